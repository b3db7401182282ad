"""What a run has to bear: kills, races, full disks, flipped bits, bad and hostile files. `python -m soak` tries it."""
