"""One way to follow the store, to work by key, to write a status, and to keep loops running: for every controller.

A controller follows the store (`follower`), adds the keys of what changed to a queue (`work_queue`), brings one object
at a time to what it should be, and writes the object's status (`writing`). Its loop runs under a `supervisor`.

Everything is level-triggered, as in Kubernetes: a reconcile looks at what is there now, never at the event that caused
it. That is why a missed event or a failed reconcile costs time and no correctness: all objects are listed again.
"""
