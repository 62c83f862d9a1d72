"""The order-processing sample: two system APIs over a database, a process API over them, a task, a store, a processor."""
