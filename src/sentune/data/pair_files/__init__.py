"""Files of question–passage pairs → Pairs.

``reading`` is the way in. ``pair_rows`` reads records of columns, ``layouts`` JSON that names texts
by ids, ``beir`` judgements beside queries and corpus. ``assembly`` merges repeated texts and counts
what it merged.
"""
