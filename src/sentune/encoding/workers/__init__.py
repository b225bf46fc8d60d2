"""What runs in the processes that runners start: a pool's, and a cluster's."""
