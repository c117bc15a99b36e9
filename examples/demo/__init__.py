"""The demo: a thousand pages by `requests`, at once, in fibers. Start it with `./dev demo`."""
