"""An index at ``s3://bucket/name``: objects in place of files, leases in place of locks.

::

    ObjectStore ─┬─ bucket   requests, and errors in words without a secret
                 ├─ lease    one writer at a time; a lease that is not renewed runs out
                 └─ cache    files of a version on this machine, mapped from there

An object is whole or not there. Names of files are never used twice, so what the cache has is what
the bucket has. ``revision.json`` is replaced only by who read the one before: a writer whose lease
has run out cannot undo what another one committed.
"""
