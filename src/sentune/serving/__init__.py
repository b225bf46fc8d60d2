"""A model behind HTTP: the routes that existing clients speak, over one process that computes.

::

    request ─ gate ─ routes ─ texts ─ engine ─ worker_handle ─┤ pipe ├─ worker ─ served: model,
              key,   bodies   tokens  batches                         another     index, reranker
              limits                                                  process

- ``engine`` knows nothing of HTTP: it batches the requests of all clients by tokens, has them
  computed in one worker, and replaces a worker that dies or hangs.
- ``texts`` turns texts into token ids in the server's process, so that what is cut is known before
  anything is computed; ``vectors`` finishes what the worker gives.
- ``http/`` lets requests in (``gate``), says what they may hold (``bodies``), and has one module
  for each family of clients; ``app`` there puts them together.
- ``page`` is what a browser gets; ``map`` has a process that knows
  where passages lie; ``marks`` finds words, ``explained`` the tokens behind a score.
- ``server`` listens, and stops in order.
"""
