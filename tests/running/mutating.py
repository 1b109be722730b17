"""Trees of kernel files that change from tick to tick, as those of a busy host do, and worse; the same for each seed.

At every tick numbers grow, some fall; files go, come back, lose their content or their end; devices come under names of
their own, go, and are replaced under the same name; links lead elsewhere.
"""

import math
import os
import random
import re
import shutil
from collections import Counter
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

from procpulse.source import Refresh

NUMBER = re.compile(rb"[0-9]+")


def expression(pattern: str) -> str:
    """A pattern of an allow-list as a regular expression; `**` is any text."""
    tokens = re.findall(r"\*\*|\[[^]]+\]\+?|.", re.sub(r"(/@|@|/)\Z", "", pattern))
    meaning = {"**": ".*", "*": "[^/]*", "?": "[^/]"}
    return "".join(meaning.get(token) or (token if len(token) > 1 else re.escape(token)) for token in tokens)


@cache
def matcher(pattern: str) -> Callable[[str], re.Match[str] | None]:
    """Whether a path matches a pattern of an allow-list."""
    return re.compile(expression(pattern)).fullmatch


class Settled:
    """What may not change in place now, since a source declares to read it less often.

    Args:
        refreshes: What sources declare.
        seconds: How much time passes until they are read again.
    """

    def __init__(self, refreshes: Iterable[Refresh], seconds: float):
        self.rules = [
            rule for rule in refreshes if rule.seconds > seconds and rule.path != f"{rule.device}/@"
        ]  # a device whose own link is another is another device

        patterns = [expression(rule.path) for rule in self.rules if not rule.path.endswith("/")]
        self._files = re.compile("|".join(patterns) or "(?!)").fullmatch

    def file(self, path: str) -> bool:
        """Whether a file has to stay as it is."""
        return self._files(path) is not None

    def folder(self, path: str, files: Iterable[str]) -> bool:
        """Whether a directory has to stay, or what is copied of it may not come.

        A device may go, with all its files, and another may come. Of one that stays, a directory may come or go that a
        pattern stands for: then it is listed at every tick, and told apart by its inode.
        """
        if any(matcher(rule.path)(path) for rule in self.rules if rule.path.endswith("/")):
            return True
        held = [(rule, file) for file in filter(self.file, files) for rule in self.rules if matcher(rule.path)(file)]
        if not held:
            return False
        for rule, file in held:
            device = _device(rule, file)
            if device is None:
                return True
            if device == path or device.startswith(path + "/"):
                continue
            *pieces, _ = rule.path[len(rule.device) + 1 :].split("/")
            listed = max((depth for depth, piece in enumerate(pieces, 1) if set(piece) & set("*?[")), default=0)
            if rule.seconds != math.inf or path[len(device) + 1 :].count("/") + 1 > listed:
                return True
        return False


def _device(rule: Refresh, file: str) -> str | None:
    """The directory of the device that a file belongs to."""
    while rule.device and "/" in file:
        if matcher(rule.device)(file):
            return file
        file = file.rpartition("/")[0]
    return None


class Mutator:
    """Changes a copy of a tree.

    Args:
        original: The tree.
        copy: Where the copy is made.
        seed: The same seed makes the same changes.
    """

    def __init__(self, original: Path, copy: Path, seed: int):
        self.original = original
        self.copy = copy
        self.random = random.Random(f"{original.name} {seed}")
        self.done: Counter[str] = Counter()
        """How many changes of each kind were made."""
        self._graves = copy.parent / f"{copy.name}.gone"
        self._graves.mkdir()
        self._serial = 0
        self._files_gone: list[str] = []
        self._folders_gone: list[str] = []
        shutil.copytree(original, copy, symlinks=True)
        for name in ("proc", "sys"):
            (copy / name).mkdir(exist_ok=True)
        self._size = len(self._walk()[0])
        self._settled = Settled((), 0.0)
        self._aliases: dict[str, list[str]] = {}
        """The links that lead to a directory."""

    def clear(self, name: str) -> None:
        """Take away all that is below `proc` or `sys`."""
        for entry in sorted(os.listdir(self.copy / name)):
            if os.path.isdir(self._place(f"/{name}/{entry}")) and not os.path.islink(self._place(f"/{name}/{entry}")):
                self._bury(f"/{name}/{entry}")
            else:
                os.unlink(self._place(f"/{name}/{entry}"))

    def tick(self, settled: Settled) -> None:
        """Change the tree once."""
        self._settled = settled
        self._aliases = {}
        for link in self._walk()[2]:
            target = os.path.normpath(f"{link.rpartition('/')[0]}/{self._target(link)}")
            self._aliases.setdefault(target, []).append(link)
        back, self._folders_gone = self._split(self._folders_gone)
        for path in back:
            self._restore(path)
        files_back, self._files_gone = self._split(self._files_gone)
        for path in files_back:
            self._restore_file(path)
        self._change_folders()
        self._change_files()

    def _held(self, file: str) -> bool:
        return any(map(self._settled.file, self._names(file)))

    def _stays(self, folder: str, files: list[str]) -> bool:
        return self._settled.folder(folder, [name for file in files for name in self._names(file)])

    def _names(self, path: str) -> list[str]:
        """A path, and what it is called through links."""
        found, above = [path], path
        while "/" in above:
            found += [alias + path[len(above) :] for alias in self._aliases.get(above, ())]
            above = above.rpartition("/")[0]
        return found

    # Directories.

    def _change_folders(self) -> None:
        files, folders, links = self._walk()
        counts: Counter[str] = Counter()
        for file in files:
            while file:
                file = file.rpartition("/")[0]
                counts[file] += 1
        small = [folder for folder in folders if counts[folder] <= max(20, len(files) // 10)]
        few = max(1, len(folders) // 60)

        def inside(folder: str) -> list[str]:
            return [file for file in (*files, *links) if file.startswith(folder + "/")]

        for folder in self._some(small, few):
            if self._there(folder) and not self._stays(folder, inside(folder)):
                self._bury(folder)
                self._folders_gone.append(folder)
                self.done["directories removed"] += 1
        for folder in self._some(small, few):
            if self._there(folder) and not self._stays(folder, inside(folder)):
                self._replace(folder)
        for folder in self._some(small, few):
            if len(files) > self._size * 3 // 2 + 20 or not self._there(folder):
                continue
            name = self._another(folder)
            theirs = [name + file[len(folder) :] for file in inside(folder)]
            if not os.path.lexists(self._place(name)) and not self._stays(name, theirs):
                self._put(self._place(folder), name)
                self.done["directories added"] += 1

    def _replace(self, folder: str) -> None:
        fresh = self._stage(self._place(folder))
        self._bury(folder)
        os.rename(fresh, self._place(folder))
        self.done["directories replaced"] += 1

    def _restore(self, folder: str) -> None:
        source = Path(f"{self.original}{folder}")
        if source.is_dir() and self._place(folder).parent.is_dir() and not os.path.lexists(self._place(folder)):
            files = [f"{folder}/{file.relative_to(source)}" for file in source.rglob("*") if not file.is_dir()]
            if not self._stays(folder, files):
                self._put(source, folder)
                self.done["directories put back"] += 1
                return
        self._folders_gone.append(folder)

    def _put(self, source: Path, folder: str) -> None:
        os.rename(self._stage(source), self._place(folder))

    def _stage(self, source: Path) -> Path:
        """Another directory of this kind, with numbers of its own, out of sight yet."""
        self._serial += 1
        staged = self._graves / f"new{self._serial}"
        shutil.copytree(source, staged, symlinks=True)
        for place, _, names in os.walk(staged):
            for name in names:
                self._renumber(Path(place, name))
        return staged

    def _bury(self, folder: str) -> None:
        """Take a directory away with all that is in it. Its inode stays used: the kernel's are not given twice."""
        self._serial += 1
        grave = self._graves / f"old{self._serial}"
        os.rename(self._place(folder), grave)
        for place, _, names in os.walk(grave):
            for name in names:
                os.unlink(os.path.join(place, name))

    # Files.

    def _change_files(self) -> None:
        files, _, links = self._walk()
        files = [file for file in files if not self._held(file)]
        few = max(1, len(files) // 50)
        for file in self._some(files, max(2, len(files) // 3)):
            self._renumber(self._place(file))
            self.done["numbers changed"] += 1
        for file in self._some(files, few):
            self._place(file).write_bytes(b"")
            self.done["files emptied"] += 1
        for file in self._some(files, few):
            data = self._place(file).read_bytes()
            self._place(file).write_bytes(data[: self.random.randrange(len(data) + 1)])
            self.done["files cut"] += 1
        for file in self._some(files, few):
            name = self._another(file)
            if len(files) < self._size * 2 + 20 and not self._held(name):
                if not os.path.lexists(self._place(name)):
                    shutil.copyfile(self._place(file), self._place(name))
                    self.done["files added"] += 1
        for file in self._some(files, 2 * few):
            os.unlink(self._place(file))
            self._files_gone.append(file)
            self.done["files removed"] += 1
        for link in self._some([link for link in links if not self._held(link)], max(1, len(links) // 10)):
            others = [other for other in links if other.rpartition("/")[0] == link.rpartition("/")[0]]
            target = self._target(self.random.choice(others))
            if self.random.random() < 0.3:
                target = os.fsdecode(NUMBER.sub(self._next, os.fsencode(target)))
            self._link(link, target)

    def _target(self, link: str) -> str:
        place = self._place(link)
        return os.readlink(place) if place.is_symlink() else place.read_text()

    def _link(self, link: str, target: str) -> None:
        """Let a link lead elsewhere: as in the kernel, that is another link of the same name."""
        self._serial += 1
        staged = self._graves / f"link{self._serial}"
        if self._place(link).is_symlink():
            os.symlink(target, staged)
        else:
            staged.write_text(target)
        os.rename(staged, self._place(link))
        self.done["links retargeted"] += 1

    def _restore_file(self, file: str) -> None:
        place, source = self._place(file), Path(f"{self.original}{file}")
        if os.path.lexists(place) or not place.parent.is_dir() or not source.is_file() or self._held(file):
            return
        shutil.copyfile(source, place)
        self.done["files put back"] += 1

    def _renumber(self, place: Path) -> None:
        """Let the numbers of a file grow, and some fall. The file stays the same one."""
        if _is_link(str(place)):
            return
        data = place.read_bytes()
        changed = NUMBER.sub(self._next, data)
        if changed != data:
            place.write_bytes(changed)

    def _next(self, number: re.Match[bytes]) -> bytes:
        old = number[0]
        draw = self.random.random()
        if draw < 0.5 or len(old) > 15:
            return old
        value = int(old)
        value = self.random.randint(0, value) if draw > 0.9 else value + self.random.randint(1, 1000)
        return str(value).encode().rjust(len(old), b"0")

    # What there is.

    def _walk(self) -> tuple[list[str], list[str], list[str]]:
        """Files, directories (those with something in them) and links, by path."""
        files, folders, links = [], [], []
        for top in ("proc", "sys"):
            for place, below, names in os.walk(self.copy / top):
                path = place[len(str(self.copy)) :]
                if path.count("/") > 1 and (below or names):
                    folders.append(path)
                names = names + [name for name in below if os.path.islink(os.path.join(place, name))]
                for name in names:
                    if _is_link(os.path.join(place, name)):
                        links.append(f"{path}/{name}")
                    else:
                        files.append(f"{path}/{name}")
        return sorted(files), sorted(folders), sorted(links)

    def _another(self, path: str) -> str:
        """The path of a sibling: the last number of its name is another."""
        above, _, name = path.rpartition("/")
        numbers = list(re.finditer("[0-9]+", name))
        if not numbers or len(numbers[-1][0]) > 9:
            return f"{path}{self.random.randint(2, 9)}"
        last = numbers[-1]
        return f"{above}/{name[: last.start()]}{int(last[0]) + self.random.randint(1, 20)}{name[last.end() :]}"

    def _split(self, paths: list[str]) -> tuple[list[str], list[str]]:
        """About half of them, and the rest."""
        chosen = [self.random.random() < 0.5 for _ in paths]
        return (
            [path for path, yes in zip(paths, chosen, strict=True) if yes],
            [path for path, yes in zip(paths, chosen, strict=True) if not yes],
        )

    def _some(self, paths: list[str], count: int) -> list[str]:
        return self.random.sample(paths, min(count, len(paths)))

    def _there(self, folder: str) -> bool:
        return self._place(folder).is_dir()

    def _place(self, path: str) -> Path:
        return Path(f"{self.copy}{path}")


def _is_link(place: str) -> bool:
    """Whether it is a link, or a file that stands for one, as in trees that were stored without."""
    if os.path.islink(place):
        return True
    if os.stat(place).st_size > 255:
        return False
    with open(place, "rb") as file:
        data = file.read(256)
    return data.startswith(b"../") and b"\n" not in data
