"""What is told of one subject (a contact, an agent), gathered from anywhere in a long history, in bounded memory.

Records go to one of many temporary files by their subject; then each file is read back whole and grouped. Only what is in
one file at a time is in memory. A short history stays in memory altogether.
"""
import collections
import marshal
import tempfile
import zlib

SHARDS = 64
IN_MEMORY = 200_000  # records


class Shards:
    def __init__(self):
        self.waiting = [[] for _ in range(SHARDS)]
        self.count = 0
        self.files = None

    def put(self, subject, record):
        """A subject is a tuple of strings; a record is what marshal can write, tuples of plain things."""
        shard = self.waiting[zlib.crc32("\0".join(subject).encode()) % SHARDS]
        shard.append((subject, record))
        self.count += 1
        if self.count % IN_MEMORY == 0:
            self.spill()

    def spill(self):
        if self.files is None:
            self.files = [tempfile.TemporaryFile(prefix="switchboard-checker-") for _ in range(SHARDS)]
        for file, shard in zip(self.files, self.waiting):
            marshal.dump(shard, file)
            shard.clear()

    def groups(self):
        """(subject, its records in the order in which they were put)."""
        for number, shard in enumerate(self.waiting):
            groups = collections.defaultdict(list)
            if self.files is not None:
                file = self.files[number]
                file.seek(0)
                while True:
                    try:
                        for subject, record in marshal.load(file):
                            groups[subject].append(record)
                    except EOFError:
                        break
                file.close()
            for subject, record in shard:
                groups[subject].append(record)
            shard.clear()
            yield from groups.items()
