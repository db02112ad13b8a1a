"""What the driver of a run does beside the models, as it was measured.

By `llmvs bench corpus`, the median of five runs, on two cores of an AMD EPYC with others at work on
them and on the disk (ext4). `README.md` in this folder has how far apart the five were; the command
prints what the machine is like where it is run.
"""

KEYED = 0.00033
"""Seconds a frame: its JPEG read and hashed, its task made."""
LAID_OUT = 0.00115
"""Seconds a prompt: written, cut into tokens, its batch hashed."""
SERIAL, RAY = 0.0082, 0.0064
"""Seconds an item from the queue into the store, where the worker answers at once: in this process,
and by a worker of a Ray cluster on this machine, a frame of 50 kB a caption."""
PUT = 0.0095
"""Seconds an item written into the store, on disk before its name is."""
GOT = 0.00034
"""Seconds an item read back and checked."""
WRITTEN, READ = 110e6, 190e6
"""Bytes a second beyond that, of large items."""
CAPTIONED = 0.00017
"""Seconds a frame from the store into captions.jsonl."""
EMBEDDED = 0.00018
"""Seconds a frame from the store into embeddings.h5, beside the bytes of its states."""
COPIED = 160e6
"""Bytes of states a second from the store into embeddings.h5."""
CAPTION_TASK = 260
"""Bytes of the driver's memory of a frame's task."""
BATCH_TASK, PROMPT_TASK, TOKEN_TASK = 2200, 12, 2
"""The same of a batch of prompts, of a prompt in it, and of a token where a vocabulary has at most
65,536.
"""
