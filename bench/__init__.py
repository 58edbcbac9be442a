"""How fast it is, always beside something else that does the same job on the same machine in the same run.

`python -m bench` runs all of them, each in a process of its own; `python -m bench ack me` runs these two.
A bench is a module with a context manager that yields two turns, ours and the peer's; `bench/registry.py`
lists them all. It uses stores of its own in var/bench, never those of the demo.
"""
