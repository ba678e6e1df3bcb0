"""What the leaderboard keeps: a folder with a database and an archive of files by their hashes."""
