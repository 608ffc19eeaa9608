INSERT INTO execution_labels ("execution_id", "key", "value")
VALUES ('e-success', 'team', 'data');
INSERT INTO execution_labels ("execution_id", "key", "value")
VALUES ('e-success', 'system.correlationId', 'e-success');
INSERT INTO execution_labels ("execution_id", "key", "value")
VALUES ('e-warning', 'system.correlationId', 'e-warning');
INSERT INTO execution_labels ("execution_id", "key", "value")
VALUES ('e-failed', 'system.correlationId', 'e-failed');
INSERT INTO execution_labels ("execution_id", "key", "value")
VALUES ('e-paused', 'system.correlationId', 'e-paused');
INSERT INTO execution_labels ("execution_id", "key", "value")
VALUES ('e-killed', 'system.correlationId', 'e-killed');
INSERT INTO execution_labels ("execution_id", "key", "value")
VALUES ('e-running', 'system.correlationId', 'e-running');
INSERT INTO execution_labels ("execution_id", "key", "value")
VALUES ('e-created', 'system.correlationId', 'e-created');
INSERT INTO executions ("id", "version", "namespace", "flow_id", "revision", "git_commit", "state", "created_at", "ended_at", "history", "inputs", "labels", "variables", "outputs", "trigger_id", "trigger", "parent_id", "original_id", "schedule_at", "attempt", "error", "closed")
VALUES ('e-success', 2, 'demo', 'old', 2, NULL, 'SUCCESS', 1795831414875409, 1795831414896076, '[["CREATED",1795831414875409],["RUNNING",1795831414895324],["SUCCESS",1795831414896076]]', '{"who":"Ada","n":3}', '{"team":"data","system.correlationId":"e-success"}', NULL, '{"out":"ä😀"}', NULL, NULL, NULL, NULL, NULL, 1, NULL, TRUE);
INSERT INTO executions ("id", "version", "namespace", "flow_id", "revision", "git_commit", "state", "created_at", "ended_at", "history", "inputs", "labels", "variables", "outputs", "trigger_id", "trigger", "parent_id", "original_id", "schedule_at", "attempt", "error", "closed")
VALUES ('e-warning', 2, 'demo', 'warn', 1, NULL, 'WARNING', 1795831414969440, 1795831414983904, '[["CREATED",1795831414969440],["RUNNING",1795831414983137],["WARNING",1795831414983904]]', NULL, '{"system.correlationId":"e-warning"}', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 1, NULL, TRUE);
INSERT INTO executions ("id", "version", "namespace", "flow_id", "revision", "git_commit", "state", "created_at", "ended_at", "history", "inputs", "labels", "variables", "outputs", "trigger_id", "trigger", "parent_id", "original_id", "schedule_at", "attempt", "error", "closed")
VALUES ('e-failed', 2, 'demo', 'bad', 1, NULL, 'FAILED', 1795831415033159, 1795831415039958, '[["CREATED",1795831415033159],["RUNNING",1795831415039420],["FAILED",1795831415039958]]', NULL, '{"system.correlationId":"e-failed"}', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 1, NULL, TRUE);
INSERT INTO executions ("id", "version", "namespace", "flow_id", "revision", "git_commit", "state", "created_at", "ended_at", "history", "inputs", "labels", "variables", "outputs", "trigger_id", "trigger", "parent_id", "original_id", "schedule_at", "attempt", "error", "closed")
VALUES ('e-paused', 2, 'demo', 'stop', 1, NULL, 'PAUSED', 1795831415052857, NULL, '[["CREATED",1795831415052857],["RUNNING",1795831415063321],["PAUSED",1795831415063321]]', NULL, '{"system.correlationId":"e-paused"}', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 1, NULL, FALSE);
INSERT INTO executions ("id", "version", "namespace", "flow_id", "revision", "git_commit", "state", "created_at", "ended_at", "history", "inputs", "labels", "variables", "outputs", "trigger_id", "trigger", "parent_id", "original_id", "schedule_at", "attempt", "error", "closed")
VALUES ('e-killed', 3, 'demo', 'stop', 1, NULL, 'KILLED', 1795831415077011, 1795831415103985, '[["CREATED",1795831415077011],["RUNNING",1795831415083225],["PAUSED",1795831415083225],["KILLING",1795831415103985],["KILLED",1795831415103985]]', NULL, '{"system.correlationId":"e-killed"}', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 1, NULL, TRUE);
INSERT INTO executions ("id", "version", "namespace", "flow_id", "revision", "git_commit", "state", "created_at", "ended_at", "history", "inputs", "labels", "variables", "outputs", "trigger_id", "trigger", "parent_id", "original_id", "schedule_at", "attempt", "error", "closed")
VALUES ('e-running', 2, 'demo', 'slow', 1, NULL, 'RUNNING', 1795831415142152, NULL, '[["CREATED",1795831415142152],["RUNNING",1795831415152597]]', NULL, '{"system.correlationId":"e-running"}', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 1, NULL, FALSE);
INSERT INTO executions ("id", "version", "namespace", "flow_id", "revision", "git_commit", "state", "created_at", "ended_at", "history", "inputs", "labels", "variables", "outputs", "trigger_id", "trigger", "parent_id", "original_id", "schedule_at", "attempt", "error", "closed")
VALUES ('e-created', 1, 'demo', 'later', 1, NULL, 'CREATED', 1795831415290624, NULL, '[["CREATED",1795831415290624]]', NULL, '{"system.correlationId":"e-created"}', NULL, NULL, NULL, NULL, NULL, NULL, NULL, 1, NULL, FALSE);
INSERT INTO flows ("namespace", "id", "revision", "is_latest", "deleted", "disabled", "description", "labels", "source", "source_hash", "created_at", "git_source", "git_commit", "git_path", "git_author", "git_message")
VALUES ('demo', 'old', 1, FALSE, FALSE, FALSE, 'A flow of the first version', '{"team":"data"}', 'id: old
namespace: demo
description: A flow of the first version
labels: {team: data}
inputs:
  - {id: who, type: STRING, defaults: you}
  - {id: n, type: INT, defaults: 3}
tasks:
  - {id: hi, type: core.debug.Return, format: "hello {{ inputs.who }}"}
outputs: [{id: out, type: STRING, value: "ä😀"}]
triggers:
  - {id: nightly, type: core.trigger.Schedule, cron: "0 3 * * *"}
  - {id: hook, type: core.trigger.Webhook, key: "1234567890abcdef"}
  - {id: off, type: core.trigger.Schedule, cron: "0 4 * * *", disabled: true}
', 'c267cfde5c002bd7d35e44925cce3cf3049ecbac6ada08c3e4bb01f9b5aed0cf', 1795831414610797, NULL, NULL, NULL, NULL, NULL);
INSERT INTO flows ("namespace", "id", "revision", "is_latest", "deleted", "disabled", "description", "labels", "source", "source_hash", "created_at", "git_source", "git_commit", "git_path", "git_author", "git_message")
VALUES ('demo', 'old', 2, TRUE, FALSE, FALSE, 'A flow of the first version', '{"team":"data"}', 'id: old
namespace: demo
description: A flow of the first version
labels: {team: data}
inputs:
  - {id: who, type: STRING, defaults: you}
  - {id: n, type: INT, defaults: 3}
tasks:
  - {id: hi, type: core.debug.Return, format: "hi {{ inputs.who }}"}
outputs: [{id: out, type: STRING, value: "ä😀"}]
triggers:
  - {id: nightly, type: core.trigger.Schedule, cron: "0 3 * * *"}
  - {id: hook, type: core.trigger.Webhook, key: "1234567890abcdef"}
  - {id: off, type: core.trigger.Schedule, cron: "0 4 * * *", disabled: true}
', '79e5f07f09522bd5f6d871e258ba43ecc64661a5d6a8cb1ed731188f74c25113', 1795831414642525, NULL, NULL, NULL, NULL, NULL);
INSERT INTO flows ("namespace", "id", "revision", "is_latest", "deleted", "disabled", "description", "labels", "source", "source_hash", "created_at", "git_source", "git_commit", "git_path", "git_author", "git_message")
VALUES ('demo', 'warn', 1, TRUE, FALSE, FALSE, NULL, '{}', 'id: warn
namespace: demo
tasks: [{id: f, type: core.execution.Fail, allowFailure: true}]
', 'a67d2dc094ad982487b8d0b58cfd89f9cdac0fa1802596bbc2c943ba9cf00206', 1795831414678286, NULL, NULL, NULL, NULL, NULL);
INSERT INTO flows ("namespace", "id", "revision", "is_latest", "deleted", "disabled", "description", "labels", "source", "source_hash", "created_at", "git_source", "git_commit", "git_path", "git_author", "git_message")
VALUES ('demo', 'bad', 1, TRUE, FALSE, FALSE, NULL, '{}', 'id: bad
namespace: demo
tasks: [{id: f, type: core.execution.Fail, errorMessage: no}]
', 'f598012dc8629ada1e3137667d2904bbd58a6456939842ef34d35b8b526a6df4', 1795831414698953, NULL, NULL, NULL, NULL, NULL);
INSERT INTO flows ("namespace", "id", "revision", "is_latest", "deleted", "disabled", "description", "labels", "source", "source_hash", "created_at", "git_source", "git_commit", "git_path", "git_author", "git_message")
VALUES ('demo', 'stop', 1, TRUE, FALSE, FALSE, NULL, '{}', 'id: stop
namespace: demo
tasks: [{id: p, type: core.flow.Pause}]
', 'b92962c384e1d7db490cf73a6531f70bf02c63ec32776db18f0816cb5d759636', 1795831414733318, NULL, NULL, NULL, NULL, NULL);
INSERT INTO flows ("namespace", "id", "revision", "is_latest", "deleted", "disabled", "description", "labels", "source", "source_hash", "created_at", "git_source", "git_commit", "git_path", "git_author", "git_message")
VALUES ('demo', 'slow', 1, TRUE, FALSE, FALSE, NULL, '{}', 'id: slow
namespace: demo
tasks: [{id: s, type: scripts.shell.Commands, taskRunner: {type: core.runner.Process}, commands: [''sleep 1'']}]
', 'e9c3b21eb45e2f68fe85fb962a7fa5c5804e6ecb4b673061cc6d73eac4377832', 1795831414850304, NULL, NULL, NULL, NULL, NULL);
INSERT INTO flows ("namespace", "id", "revision", "is_latest", "deleted", "disabled", "description", "labels", "source", "source_hash", "created_at", "git_source", "git_commit", "git_path", "git_author", "git_message")
VALUES ('demo', 'later', 1, TRUE, FALSE, FALSE, NULL, '{}', 'id: later
namespace: demo
tasks: [{id: l, type: core.debug.Return, format: now}]
', '2e44b0ec2be3f3357a95f6c5d44acaa304485bfeb5204702974c274ea677cf62', 1795831414865337, NULL, NULL, NULL, NULL, NULL);
INSERT INTO kv ("namespace", "key", "kind", "value", "description", "created_at", "updated_at", "expires_at", "revision")
VALUES ('demo', 'answer', 'NUMBER', '{"v":42}', NULL, 1795831415118185, 1795831415118185, NULL, 1);
INSERT INTO kv ("namespace", "key", "kind", "value", "description", "created_at", "updated_at", "expires_at", "revision")
VALUES ('demo', 'text', 'STRING', '{"v":"ä''; x"}', NULL, 1795831415139157, 1795831415139157, NULL, 1);
INSERT INTO logs ("id", "execution_id", "namespace", "flow_id", "task_run_id", "task_id", "attempt", "trigger_id", "level", "at", "message")
VALUES (1, 'e-success', 'demo', 'old', '691ton4ar89uud6pv5dzjg', 'hi', 1, NULL, 10, 1795831414895955, 'hi Ada');
INSERT INTO logs ("id", "execution_id", "namespace", "flow_id", "task_run_id", "task_id", "attempt", "trigger_id", "level", "at", "message")
VALUES (2, 'e-warning', 'demo', 'warn', 'dv4ciuqy5fs9jnn0vrtbjr', 'f', 1, NULL, 40, 1795831414983832, 'Task failure');
INSERT INTO logs ("id", "execution_id", "namespace", "flow_id", "task_run_id", "task_id", "attempt", "trigger_id", "level", "at", "message")
VALUES (3, 'e-failed', 'demo', 'bad', 'jxlyfkmuqpsgzs0x7hz7n9', 'f', 1, NULL, 40, 1795831415039895, 'no');
INSERT INTO metrics ("id", "execution_id", "namespace", "flow_id", "task_run_id", "task_id", "name", "kind", "value", "tags", "at")
VALUES (1, 'e-success', 'demo', 'old', '691ton4ar89uud6pv5dzjg', 'hi', 'length', 'counter', 6.0, NULL, 1795831414895980);
INSERT INTO task_runs ("id", "execution_id", "task_id", "parent_id", "value", "iteration", "position", "state", "created_at", "ended_at", "history", "attempts", "outputs", "dynamic")
VALUES ('691ton4ar89uud6pv5dzjg', 'e-success', 'hi', NULL, NULL, NULL, 0, 'SUCCESS', 1795831414895324, 1795831414896021, '[["CREATED",1795831414895324],["RUNNING",1795831414895775],["SUCCESS",1795831414896021]]', '[[1,null,[["CREATED",1795831414895775],["RUNNING",1795831414895775],["SUCCESS",1795831414896021]]]]', '{"value":"hi Ada"}', FALSE);
INSERT INTO task_runs ("id", "execution_id", "task_id", "parent_id", "value", "iteration", "position", "state", "created_at", "ended_at", "history", "attempts", "outputs", "dynamic")
VALUES ('dv4ciuqy5fs9jnn0vrtbjr', 'e-warning', 'f', NULL, NULL, NULL, 0, 'WARNING', 1795831414983137, 1795831414983850, '[["CREATED",1795831414983137],["RUNNING",1795831414983530],["WARNING",1795831414983850]]', '[[1,null,[["CREATED",1795831414983530],["RUNNING",1795831414983530],["FAILED",1795831414983850]]]]', NULL, FALSE);
INSERT INTO task_runs ("id", "execution_id", "task_id", "parent_id", "value", "iteration", "position", "state", "created_at", "ended_at", "history", "attempts", "outputs", "dynamic")
VALUES ('jxlyfkmuqpsgzs0x7hz7n9', 'e-failed', 'f', NULL, NULL, NULL, 0, 'FAILED', 1795831415039420, 1795831415039909, '[["CREATED",1795831415039420],["RUNNING",1795831415039804],["FAILED",1795831415039909]]', '[[1,null,[["CREATED",1795831415039804],["RUNNING",1795831415039804],["FAILED",1795831415039909]]]]', NULL, FALSE);
INSERT INTO task_runs ("id", "execution_id", "task_id", "parent_id", "value", "iteration", "position", "state", "created_at", "ended_at", "history", "attempts", "outputs", "dynamic")
VALUES ('9kdajojmq2uib428004l2o', 'e-paused', 'p', NULL, NULL, NULL, 0, 'PAUSED', 1795831415063321, NULL, '[["CREATED",1795831415063321],["RUNNING",1795831415063321],["PAUSED",1795831415063321]]', NULL, NULL, FALSE);
INSERT INTO task_runs ("id", "execution_id", "task_id", "parent_id", "value", "iteration", "position", "state", "created_at", "ended_at", "history", "attempts", "outputs", "dynamic")
VALUES ('4k27rs9uapzl22yks9004t', 'e-killed', 'p', NULL, NULL, NULL, 0, 'KILLED', 1795831415083225, 1795831415103985, '[["CREATED",1795831415083225],["RUNNING",1795831415083225],["PAUSED",1795831415083225],["KILLED",1795831415103985]]', NULL, NULL, FALSE);
INSERT INTO task_runs ("id", "execution_id", "task_id", "parent_id", "value", "iteration", "position", "state", "created_at", "ended_at", "history", "attempts", "outputs", "dynamic")
VALUES ('4ccpby7flu7sl1401szgwx', 'e-running', 's', NULL, NULL, NULL, 0, 'RUNNING', 1795831415152597, NULL, '[["CREATED",1795831415152597],["RUNNING",1795831415163776]]', '[[1,null,[["CREATED",1795831415163776],["RUNNING",1795831415163776]]]]', NULL, FALSE);
INSERT INTO triggers ("namespace", "flow_id", "trigger_id", "type", "kind", "revision", "definition_hash", "disabled", "asleep", "next_at", "last_at", "evaluated_at", "outcome", "reason", "execution_id", "failures", "stop_after")
VALUES ('demo', 'old', 'nightly', 'core.trigger.Schedule', 'schedule', 2, '1c8d93a605bba3a80acb12bbce1708c05587d0f529c58603fac0c42f2459e353', FALSE, FALSE, 1795834800000000, NULL, NULL, NULL, NULL, NULL, 0, NULL);
INSERT INTO triggers ("namespace", "flow_id", "trigger_id", "type", "kind", "revision", "definition_hash", "disabled", "asleep", "next_at", "last_at", "evaluated_at", "outcome", "reason", "execution_id", "failures", "stop_after")
VALUES ('demo', 'old', 'hook', 'core.trigger.Webhook', 'webhook', 2, 'fb0a70d6eaad87009132ceab61ec15297924f9ac121ce3be8332e3313d2ee543', FALSE, FALSE, NULL, NULL, NULL, NULL, NULL, NULL, 0, NULL);
INSERT INTO triggers ("namespace", "flow_id", "trigger_id", "type", "kind", "revision", "definition_hash", "disabled", "asleep", "next_at", "last_at", "evaluated_at", "outcome", "reason", "execution_id", "failures", "stop_after")
VALUES ('demo', 'old', 'off', 'core.trigger.Schedule', 'schedule', 2, '0f44f96d2094e1962ac37026c268ccdbff6bcbe458a41632ec0385a78bb58b27', FALSE, TRUE, 1795838400000000, NULL, NULL, NULL, NULL, NULL, 0, NULL);
