"""LanceDB's table of passages: its columns, reading and writing."""
