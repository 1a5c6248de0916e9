"""What survives a power cut, by the strictest reading of POSIX: data that a sync of their file has covered, names that a sync of their
directory has covered. A rename is atomic, but until one of its directories is synced it may not have happened."""

import itertools
import os


class Op:
    """A change of names that may be lost until a sync covers it."""

    def __init__(self, number, node, removes, adds, what):
        self.number, self.node, self.removes, self.adds, self.what = number, node, set(removes), set(adds), what
        self.directories = {directory for directory, _ in removes + adds}
        self.is_durable = False


class Node:
    """A file or a directory. What was there before the trace began is durable."""

    def __init__(self, names):
        self.durable_names = set(names)  # (directory, name)
        self.names = set(names)
        self.ops = []                 # since durable_names
        self.dirty = []               # of a directory: changes of names in it that no sync has covered
        self.children = {}            # name: node
        self.version = self.durable_version = 0
        self.essential = 0            # the last version that must not be lost
        self.reserved = 0             # the last version that reserves UIDs
        self.sync_failed = False
        self.tokens = set()           # of the messages in it
        self.is_report = False        # a message that tells of another one

    def path(self):
        names = self.names or self.durable_names
        for directory, name in sorted(names, key=lambda n: n[1]):
            return directory.path().rstrip("/") + "/" + name
        return "/" if not self.ops else "(removed)"

    def states(self):
        """The sets of names that the node may have after a power cut now."""
        open_ops = [op for op in self.ops if not op.is_durable]
        for kept in itertools.product((False, True), repeat=len(open_ops)):
            lost = {op for keep, op in zip(kept, open_ops) if not keep}
            names = set(self.durable_names)
            for op in self.ops:
                if op not in lost:
                    names = (names - op.removes) | op.adds
            yield names

    def settle(self, op):
        """The change is durable, and with it what it has undone of earlier ones."""
        for other in self.ops[:self.ops.index(op) + 1]:
            if other is op or (other.adds and other.adds <= op.removes):
                other.is_durable = True
        while self.ops and self.ops[0].is_durable:
            first = self.ops.pop(0)
            self.durable_names = (self.durable_names - first.removes) | first.adds

    def has_durable_data(self):
        return not self.sync_failed and self.durable_version >= self.essential

    def open_ops(self):
        return [op for op in self.ops if not op.is_durable]


class Disk:
    def __init__(self):
        self.root = Node([])
        self.count = 0

    def find(self, path):
        """The node of a path; one that is unknown was there before the trace began."""
        node = self.root
        for part in [p for p in path.split("/") if p]:
            child = node.children.get(part)
            if child is None:
                child = node.children[part] = Node([(node, part)])
            node = child
        return node

    def knows(self, path):
        node = self.root
        for part in [p for p in path.split("/") if p]:
            node = node.children.get(part)
            if node is None:
                return False
        return True

    def place(self, path):
        directory, name = os.path.split(path)
        return self.find(directory), name

    def change(self, node, removes, adds, what):
        self.count += 1
        op = Op(self.count, node, removes, adds, what)
        node.ops.append(op)
        for directory in op.directories:
            directory.dirty.append(op)
        for directory, name in removes:
            if directory.children.get(name) is node:
                del directory.children[name]
            node.names.discard((directory, name))
        for directory, name in adds:
            directory.children[name] = node
            node.names.add((directory, name))
        return op

    def create(self, path):
        return self.change(Node([]), [], [self.place(path)], f"create {path}")

    def link(self, source, target):
        return self.change(self.find(source), [], [self.place(target)], f"link {target}")

    def rename(self, source, target):
        """A file that had the target's name loses it; whether that is durable is told by the fate of the new one."""
        place = self.place(target)
        node = self.find(source)
        replaced = place[0].children.get(place[1])
        if replaced is not None and replaced is not node:
            replaced.names.discard(place)
            replaced.durable_names.discard(place)
        return self.change(node, [self.place(source)], [place], f"rename {source} to {target}")

    def unlink(self, path):
        return self.change(self.find(path), [self.place(path)], [], f"unlink {path}")

    def write(self, node, is_essential=True):
        self.count += 1
        node.version = self.count
        if is_essential:
            node.essential = self.count

    def sync(self, node, count, worked):
        """count: of the moment when the sync began. After one that failed no later one is believed."""
        if not worked:
            node.sync_failed = True
            return
        node.durable_version = max(node.durable_version, min(node.version, count))
        for op in [op for op in node.dirty if op.number <= count]:
            node.dirty.remove(op)
            if op in op.node.ops:
                op.node.settle(op)
