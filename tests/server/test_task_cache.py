"""Results of tasks that later executions take over (`taskCache`)."""

from tests.server.conftest import Server

FLOW = """
id: cached
namespace: demo.cache
inputs:
  - {id: name, type: STRING, defaults: World}
tasks:
  - id: make
    type: io.kestra.plugin.scripts.shell.Commands
    taskCache: {enabled: true, ttl: PT1H}
    outputFiles: [out.txt]
    commands:
      - "date +%s%N > out.txt"
      - "echo '::{\\"outputs\\":{\\"name\\":\\"{{ inputs.name }}\\"}}::'"
  - id: show
    type: io.kestra.plugin.core.debug.Return
    format: "{{ read(outputs.make.outputFiles['out.txt']) }}"
"""


def shown(server: Server, **inputs: object) -> tuple[str, bool]:
    """What the file of the cached task held, and whether it came from the cache."""
    execution = server.run(FLOW, **inputs)
    assert execution.state == "SUCCESS", server.logs(execution)
    value = (server.outputs(execution)["show"] or {})["value"]
    return str(value), any("Hit the task cache" in line for line in server.logs(execution))


def test_an_equal_run_takes_the_result_and_its_files_even_when_the_first_is_gone(
    server: Server,
) -> None:
    first = server.run(FLOW)
    value = (server.outputs(first)["show"] or {})["value"]
    server.app.executions.delete(first.id)
    assert shown(server) == (value, True)
    run = server.run(FLOW)
    uri = (server.outputs(run)["make"] or {})["outputFiles"]["out.txt"]  # type: ignore[index]
    assert f"/executions/{run.id}/" in uri
    assert (server.outputs(run)["make"] or {})["vars"] == {"name": "World"}


def test_other_properties_are_another_result(server: Server) -> None:
    first, _ = shown(server, name="a")
    second, hit = shown(server, name="b")
    assert not hit
    assert first != second
    assert shown(server, name="a") == (first, True)


def test_a_result_that_is_cleared_or_too_old_is_made_again(server: Server) -> None:
    first, _ = shown(server, name="c")
    flow = server.save(FLOW)
    assert server.app.task_cache.clear(flow, "make") >= 1
    second, hit = shown(server, name="c")
    assert not hit
    assert second != first
    flow_now = FLOW.replace("PT1H", "PT0S")
    execution = server.run(flow_now, name="c")
    assert not any("Hit the task cache" in line for line in server.logs(execution))


def test_files_are_told_apart_by_what_they_hold(server: Server) -> None:
    flow = """
id: counted
namespace: demo.cache
inputs: [{id: text, type: STRING}]
tasks:
  - {id: write, type: io.kestra.plugin.core.storage.Write, content: "{{ inputs.text }}"}
  - id: size
    type: io.kestra.plugin.core.storage.Size
    uri: "{{ outputs.write.uri }}"
    taskCache: {enabled: true}
"""
    hits = []
    for text in ("same", "same", "other"):
        execution = server.run(flow, text=text)
        assert (server.outputs(execution)["size"] or {})["size"] == len(text)
        hits.append(any("Hit the task cache" in line for line in server.logs(execution)))
    assert hits == [False, True, False]


def test_a_failed_run_is_not_kept(server: Server) -> None:
    flow = """
id: failing
namespace: demo.cache
tasks:
  - {id: f, type: io.kestra.plugin.core.execution.Fail, taskCache: {enabled: true}}
"""
    assert server.run(flow).state == "FAILED"
    execution = server.run(flow)
    assert execution.state == "FAILED"
    assert not any("Hit the task cache" in line for line in server.logs(execution))
