"""Users, passwords, sessions, tokens and links."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mainstem.clock import FrozenClock
from mainstem.errors import Conflict, Denied, InvalidInput, NotFound
from mainstem.ids import seeded_ids
from mainstem.model.principal import Grant, Permission, Principal, PrincipalKind, Role
from mainstem.services import access
from mainstem.services.audit import AuditFilter, AuditService
from mainstem.services.limits import TooMany
from mainstem.services.sign_in import Lives, SignInService
from mainstem.services.tokens import NewToken, TokenService, narrowed
from mainstem.services.users import UserService, parse_grant
from mainstem.store.database import open_database

PASSWORD = "correct horse battery"
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
ADMIN = [Grant(Role.ADMIN)]


class Accounts:
    """The services over one database, and a clock to turn."""

    def __init__(self, folder: Path) -> None:
        self.clock = FrozenClock(NOON)
        self.database = open_database(f"sqlite:///{folder / 'x.db'}")
        self.users = UserService(self.database, self.clock, seeded_ids("u"))
        self.tokens = TokenService(self.database, self.clock, seeded_ids("t"))
        self.sign_in = SignInService(self.database, self.clock, Lives())
        self.audit = AuditService(self.database, self.clock)
        self.users.watch(self.sign_in.forget)
        self.tokens.watch(self.sign_in.forget)


@pytest.fixture
def accounts(tmp_path: Path) -> Iterator[Accounts]:
    made = Accounts(tmp_path)
    yield made
    made.database.close()


def test_a_user_signs_in_with_the_right_password_only(accounts: Accounts) -> None:
    accounts.users.create("Ada", PASSWORD, ADMIN)
    assert accounts.sign_in.by_password(" ADA ", PASSWORD, "1.2.3.4").name == "ada"
    for name, password in (("ada", PASSWORD + "x"), ("ada", ""), ("bob", PASSWORD)):
        with pytest.raises(Denied, match="The name or the password is wrong"):
            accounts.sign_in.by_password(name, password, "1.2.3.4")


@pytest.mark.parametrize("password", ["", "short", "aaaaaaaaaaaaaaaa", "x" * 1001, "ada.lovelace"])
def test_poor_passwords_are_refused(accounts: Accounts, password: str) -> None:
    with pytest.raises(InvalidInput, match="assword"):
        accounts.users.create("ada.lovelace", password, ADMIN)


def test_after_five_failures_an_account_waits_and_others_do_not(accounts: Accounts) -> None:
    accounts.users.create("ada", PASSWORD, ADMIN)
    accounts.users.create("bob", PASSWORD, [])
    for _ in range(5):
        with pytest.raises(Denied, match="wrong"):
            accounts.sign_in.by_password("ada", "no", "6.6.6.6")
    with pytest.raises(TooMany) as waited:
        accounts.sign_in.by_password("ada", PASSWORD, "6.6.6.6")
    assert 0 < waited.value.seconds <= 301
    assert accounts.sign_in.by_password("ada", PASSWORD, "1.2.3.4").name == "ada"
    assert accounts.sign_in.by_password("bob", PASSWORD, "6.6.6.6").name == "bob"
    accounts.clock.advance(timedelta(minutes=5, seconds=1))
    assert accounts.sign_in.by_password("ada", PASSWORD, "6.6.6.6").name == "ada"


def test_an_address_that_tries_many_names_waits(accounts: Accounts) -> None:
    accounts.users.create("ada", PASSWORD, ADMIN)
    accounts.sign_in._limits._failures.clear()
    for number in range(50):
        accounts.sign_in._limits.failed(f"n{number}", "6.6.6.6")
    with pytest.raises(TooMany):
        accounts.sign_in.by_password("ada", PASSWORD, "6.6.6.6")


def test_a_session_ends_when_unused_when_old_and_at_sign_out(accounts: Accounts) -> None:
    ada = accounts.users.create("ada", PASSWORD, ADMIN)
    secret = accounts.sign_in.begin_session(ada, "1.2.3.4", "Firefox")
    assert accounts.sign_in.by_session(secret) == ada.principal
    accounts.clock.advance(timedelta(hours=11))
    assert accounts.sign_in.by_session(secret) == ada.principal
    accounts.clock.advance(timedelta(hours=13))
    assert accounts.sign_in.by_session(secret) is None
    used = accounts.sign_in.begin_session(ada, "", "")
    for _ in range(29):
        accounts.clock.advance(timedelta(hours=11, minutes=30))
        known = accounts.sign_in.by_session(used)
    assert known == ada.principal
    accounts.clock.advance(timedelta(hours=11))
    assert accounts.sign_in.by_session(used) is None, "14 days are over"
    third = accounts.sign_in.begin_session(ada, "", "")
    accounts.sign_in.end_session(third)
    assert accounts.sign_in.by_session(third) is None


def test_signing_in_again_ends_the_browsers_old_session(accounts: Accounts) -> None:
    ada = accounts.users.create("ada", PASSWORD, ADMIN)
    first = accounts.sign_in.begin_session(ada, "", "")
    assert accounts.sign_in.by_session(first)
    second = accounts.sign_in.begin_session(ada, "", "", old=first)
    assert accounts.sign_in.by_session(first) is None
    assert accounts.sign_in.by_session(second)


def test_a_disabled_user_is_out_at_once(accounts: Accounts) -> None:
    accounts.users.create("root", PASSWORD, ADMIN)
    ada = accounts.users.create("ada", PASSWORD, [Grant(Role.EDITOR, "team")])
    session = accounts.sign_in.begin_session(ada, "", "")
    with access.acting_as(ada.principal):
        _, token = accounts.tokens.create(NewToken("ci", Grant(Role.EDITOR, "team")))
    assert accounts.sign_in.by_session(session)
    assert accounts.sign_in.by_token(token)
    assert accounts.sign_in.by_basic("ada", PASSWORD, "")
    accounts.users.set_disabled(ada.id, True)
    assert accounts.sign_in.by_session(session) is None
    assert accounts.sign_in.by_token(token) is None
    assert accounts.sign_in.by_basic("ada", PASSWORD, "") is None


def test_a_new_password_ends_sessions_and_what_was_remembered(accounts: Accounts) -> None:
    ada = accounts.users.create("ada", PASSWORD, ADMIN)
    session = accounts.sign_in.begin_session(ada, "", "")
    assert accounts.sign_in.by_basic("ada", PASSWORD, "")
    with pytest.raises(InvalidInput, match="old password"):
        accounts.users.change_password(ada.id, "wrong", "another good one")
    accounts.users.change_password(ada.id, PASSWORD, "another good one")
    assert accounts.sign_in.by_session(session) is None
    assert accounts.sign_in.by_basic("ada", PASSWORD, "") is None
    assert accounts.sign_in.by_basic("ada", "another good one", "")


def test_somebody_always_remains_who_administers(accounts: Accounts) -> None:
    ada = accounts.users.create("ada", PASSWORD, ADMIN)
    for change in (
        lambda: accounts.users.remove(ada.id),
        lambda: accounts.users.set_disabled(ada.id, True),
        lambda: accounts.users.set_grants(ada.id, [Grant(Role.ADMIN, "team")]),
    ):
        with pytest.raises(Conflict, match="administers"):
            change()
    assert accounts.users.get(ada.id).grants == tuple(ADMIN)


# tokens


def test_a_token_works_until_it_expires_or_is_revoked(accounts: Accounts) -> None:
    ada = accounts.users.create("ada", PASSWORD, ADMIN)
    with access.acting_as(ada.principal):
        made, secret = accounts.tokens.create(
            NewToken("ci", Grant(Role.OPERATOR, "team"), timedelta(days=1))
        )
        _, other = accounts.tokens.create(NewToken("cd", Grant(Role.VIEWER), None))
    who = accounts.sign_in.by_token(secret)
    assert who is not None
    assert (who.name, who.grants) == ("ada (ci)", (Grant(Role.OPERATOR, "team"),))
    assert accounts.sign_in.by_basic("anything", secret, "") == who
    assert accounts.sign_in.by_token(secret + "x") is None
    assert secret not in str(accounts.tokens.visible())
    with accounts.database.read() as tx:
        stored = str(tx.exec_driver_sql("SELECT * FROM tokens").all())
    assert secret not in stored
    with access.acting_as(ada.principal):
        accounts.tokens.revoke(made.id)
    assert accounts.sign_in.by_token(secret) is None
    accounts.clock.advance(timedelta(days=5000))
    assert accounts.sign_in.by_token(other) is not None


def test_an_expired_token_is_refused_also_when_it_is_remembered(accounts: Accounts) -> None:
    _, secret = accounts.tokens.create(NewToken("x", Grant(Role.VIEWER), timedelta(seconds=3)))
    assert accounts.sign_in.by_token(secret)
    accounts.clock.advance(timedelta(seconds=3))
    assert accounts.sign_in.by_token(secret) is None


def test_nobody_makes_a_token_that_can_do_more_than_they(accounts: Accounts) -> None:
    ada = Principal("a", "ada", PrincipalKind.USER, (Grant(Role.EDITOR, "team"),))
    with access.acting_as(ada):
        for grant in (Grant(Role.ADMIN, "team"), Grant(Role.VIEWER), Grant(Role.VIEWER, "other")):
            with pytest.raises(Denied, match="yourself"):
                accounts.tokens.create(NewToken("x", grant))
    token = Principal("t", "t", PrincipalKind.TOKEN, tuple(ADMIN))
    with access.acting_as(token), pytest.raises(Denied, match="cannot make tokens"):
        accounts.tokens.create(NewToken("x", Grant(Role.VIEWER)))


@pytest.mark.parametrize(
    ("held", "scope", "may"),
    [
        ("admin", "viewer:a", "viewer:a"),
        ("editor:a", "admin", "editor:a"),
        ("editor:a.b", "operator:a", "operator:a.b"),
        ("editor:a", "editor:a.b", "editor:a.b"),
        ("editor:a", "editor:ab", None),
        ("viewer:a", "admin:a", "viewer:a"),
    ],
)
def test_a_token_never_does_more_than_its_owner(held: str, scope: str, may: str | None) -> None:
    found = narrowed((parse_grant(held),), parse_grant(scope))
    assert found == (() if may is None else (parse_grant(may),))


def test_a_token_is_seen_and_revoked_by_its_owner_and_admins_only(accounts: Accounts) -> None:
    root = accounts.users.create("root", PASSWORD, ADMIN)
    ada = accounts.users.create("ada", PASSWORD, [Grant(Role.VIEWER)])
    bob = accounts.users.create("bob", PASSWORD, [Grant(Role.VIEWER)])
    with access.acting_as(ada.principal):
        made, _ = accounts.tokens.create(NewToken("mine", Grant(Role.VIEWER)))
        assert [t.name for t in accounts.tokens.visible()] == ["mine"]
    with access.acting_as(bob.principal):
        assert accounts.tokens.visible() == []
        with pytest.raises(NotFound):
            accounts.tokens.revoke(made.id)
    with access.acting_as(root.principal):
        assert accounts.tokens.revoke(made.id).name == "mine"


# links


def test_the_first_link_makes_one_admin_once(accounts: Accounts) -> None:
    old = accounts.users.first_link()
    secret = accounts.users.first_link()
    assert old is not None
    assert secret is not None
    with pytest.raises(NotFound):
        accounts.users.of_link(old)
    assert accounts.users.of_link(secret) is None
    with pytest.raises(InvalidInput):
        accounts.users.redeem(secret, "short", "ada")
    ada = accounts.users.redeem(secret, PASSWORD, "ada")
    assert ada.principal.may(Permission.USER_ADMIN)
    with pytest.raises(NotFound, match="used"):
        accounts.users.redeem(secret, PASSWORD, "eve")
    assert accounts.users.first_link() is None


def test_a_first_link_is_void_once_there_is_a_user(accounts: Accounts) -> None:
    secret = accounts.users.first_link() or ""
    accounts.users.create("ada", PASSWORD, ADMIN)
    with pytest.raises(NotFound):
        accounts.users.redeem(secret, PASSWORD, "eve")


def test_links_expire(accounts: Accounts) -> None:
    ada = accounts.users.create("ada", None, ADMIN)
    secret = accounts.users.password_link(ada.id)
    accounts.clock.advance(timedelta(hours=24))
    with pytest.raises(NotFound, match="too old"):
        accounts.users.redeem(secret, PASSWORD)
    secret = accounts.users.password_link(ada.id)
    accounts.users.redeem(secret, PASSWORD)
    assert accounts.sign_in.by_password("ada", PASSWORD, "").id == ada.id


def test_everything_about_accounts_is_in_the_audit_log_and_no_secret_is(
    accounts: Accounts,
) -> None:
    ada = accounts.users.create("ada", PASSWORD, ADMIN)
    with access.acting_as(ada.principal):
        made, secret = accounts.tokens.create(NewToken("ci", Grant(Role.VIEWER)))
        accounts.tokens.revoke(made.id)
        link = accounts.users.password_link(ada.id)
    accounts.sign_in.begin_session(ada, "1.2.3.4", "")
    with pytest.raises(Denied):
        accounts.sign_in.by_password("ada", "wrong password", "6.6.6.6")
    found = accounts.audit.search(AuditFilter())
    assert [(r.action, r.principal, r.address, r.outcome) for r in reversed(found)] == [
        ("user.create", "system", "", "done"),
        ("token.create", "ada", "", "done"),
        ("token.revoke", "ada", "", "done"),
        ("user.link", "ada", "", "done"),
        ("user.sign-in", "ada", "1.2.3.4", "done"),
        ("user.sign-in", "ada", "6.6.6.6", "denied"),
    ]
    for hidden in (PASSWORD, secret, link, "wrong password"):
        assert hidden not in str(found)
