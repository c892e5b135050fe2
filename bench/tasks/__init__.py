"""One file per task, each with a `TASK`; `bench.task.registry` finds them."""
