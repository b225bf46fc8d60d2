"""Groups of similar texts, by two methods."""

import sys

import numpy as np
from sentence_transformers import SentenceTransformer, util
from sklearn.cluster import KMeans

model = SentenceTransformer(sys.argv[1], device="cpu")
things = ["the file", "a list of words", "the number", "an error in the text"]
corpus = [f"{thing} {word}" for thing in things for word in ("is", "is not", "was", "returns")]
embeddings = model.encode(corpus, batch_size=64, show_progress_bar=False)
embeddings = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
kmeans = KMeans(n_clusters=4, random_state=0, n_init=10).fit(embeddings)
for cluster in range(4):
    print(cluster + 1, [corpus[row] for row in np.flatnonzero(kmeans.labels_ == cluster)])
clusters = util.community_detection(embeddings, min_community_size=2, threshold=0.9)
for number, cluster in enumerate(clusters):
    print(f"Cluster {number + 1}, #{len(cluster)} elements", sorted(cluster))
