"""Model folders made by changing one thing at a time, for the test beside sentence-transformers.

::

    bases ─ a small random folder of each architecture
      └ change: tokenizers, added_tokens, layout, weights ─ a folder ─ outcome ─ same, refused, told
"""
