"""A leaderboard on top of molmix_bench: predictions in, pages out; it takes no score from anyone."""
