"""What an Ansible process runs of ours, as text: it happens under another Python."""

from typing import Final

#: Tells the results of tasks at the end of each playbook, those of earlier playbooks included.
CALLBACK: Final = '''\
"""Results of tasks as outputs of the Mainstem task."""

import json
import os

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: mainstem_outputs
type: notification
short_description: Tells the results of tasks to Mainstem
description: Tells the results of tasks to Mainstem.
"""
KEPT = ".mainstem-outputs.json"


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "mainstem_outputs"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self):
        super().__init__()
        self.results = []
        self.explicit = {}
        self.playbook = self.play = self.task = None
        self.plays = []

    def v2_playbook_on_start(self, playbook):
        self.playbook = os.path.basename(getattr(playbook, "_file_name", "") or "")

    def v2_playbook_on_play_start(self, play):
        self.plays.append({"name": play.get_name(), "tasks": []})

    def v2_playbook_on_task_start(self, task, is_conditional):
        self.task = {"uid": task._uuid, "name": task.get_name(), "hosts": []}
        if self.plays:
            self.plays[-1]["tasks"].append(self.task)

    def v2_playbook_on_handler_task_start(self, task):
        self.v2_playbook_on_task_start(task, False)

    def v2_runner_on_ok(self, result):
        self.take(result, "changed" if result._result.get("changed") else "ok")

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self.take(result, "ignored" if ignore_errors else "failed")

    def v2_runner_on_skipped(self, result):
        self.take(result, "skipped")

    def v2_runner_on_unreachable(self, result):
        self.take(result, "unreachable")

    def take(self, result, status):
        found = dict(result._result)
        self.results.append(found)
        if self.task is not None:
            host = result._host.get_name()
            self.task["hosts"].append({"host": host, "status": status})
        if result._task.action in ("kestra", "mainstem") and isinstance(found.get("outputs"), dict):
            self.explicit.update(found["outputs"])

    def v2_playbook_on_stats(self, stats):
        mode = os.environ.get("MAINSTEM_OUTPUTS_MODE", "all")
        before = {"results": [], "explicit": {}, "playbooks": []}
        if os.path.exists(KEPT):
            with open(KEPT) as file:
                before = json.load(file)
        before["results"] += self.results
        before["explicit"].update(self.explicit)
        before["playbooks"].append({"name": self.playbook, "plays": self.plays})
        with open(KEPT, "w") as file:
            json.dump(before, file, default=str)
        told = {"outputs": before["explicit" if mode == "explicit" else "results"],
                "playbooks": before["playbooks"]}
        print("::" + json.dumps({"outputs": told}, default=str) + "::")
'''

#: The module `kestra` of playbooks, which declares outputs by name.
MODULE: Final = '''\
"""Declares outputs of the Mainstem task."""

from ansible.module_utils.basic import AnsibleModule


def main():
    spec = {"outputs": {"type": "dict", "required": True}}
    module = AnsibleModule(argument_spec=spec, supports_check_mode=True)
    module.exit_json(changed=False, outputs=module.params["outputs"])


if __name__ == "__main__":
    main()
'''
