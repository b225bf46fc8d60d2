"""Methods of the reference that scripts call, over a model's own: for both kinds of model.

``model`` has what both kinds share; ``encoder`` and ``cross_encoder.scripted`` add the rest.
"""
