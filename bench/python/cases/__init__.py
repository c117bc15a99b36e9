"""The benchmarks: one module each, in it one function for each way to write it.

A function named `in_<peer>` is for that peer (`in_asyncio` also for uvloop). One named otherwise is
plain blocking code, the same text for weft, gevent (patched) and threads. It gets a size and
returns a dictionary of what it measured.
"""
