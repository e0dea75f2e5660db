"""Many workers, one run: who is at work on what, from files alone.

    rounds/0001.json            what one command asked for: the batches that lacked something, and what
    attempts/0012/12345.1.json  the claim on a batch, made by exclusive creation; it stays, to tell of the try
    workers/<id>.json           a worker's note, rewritten while it lives: where it is, what it is at
    workers/<id>.jsonl          its journal: a line for each batch that it has finished

A claim is free again when it has ended, or when its worker is gone: at once if its process has ended on this
computer, else when its note has not changed for the lease, by the clock of whoever waits. Claims only save
work. Two workers on one batch commit the same bytes.
"""
