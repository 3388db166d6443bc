"""Sides of a comparison as processes, and rows measured on them in turns."""
import dataclasses
import os
import re
import select
import signal
import statistics
import subprocess
import time

STEADY = 0.05           # a round counts when the probes around it differ by no more
CHECK_TOLERANCE = 2e-3  # equal work: losses, means and mean squares of all sides
LEAST_ROUNDS = 5
ANSWER_SECONDS = 120    # more than any block of any row takes


class SideError(RuntimeError):
    """A side that died, hung or answered an error."""


def environment(threads, extra):
    """The process's environment without anything that steers any side, and what this one needs."""
    steering = re.compile(r"TENON_|OMP_|OPENBLAS_|MKL_|ATEN_|MALLOC_|KMP_|GOMP_|DNNL_")
    env = {key: value for key, value in os.environ.items() if not steering.match(key)}
    for variable in ("OMP", "OPENBLAS", "MKL", "TENON"):
        env[f"{variable}_NUM_THREADS"] = str(threads)
    env.update(extra)
    return env


class Side:
    """One program, stopped whenever it is not its turn, so that its threads never spin beside
    another's."""

    def __init__(self, command, threads, extra):
        self.name = os.path.basename(command[0])
        self.process = subprocess.Popen(command, env=environment(threads, extra), text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def block(self, row, seconds):
        """One block: (nanoseconds per iteration, numbers that say what was computed), or None when
        this side has no such row."""
        try:
            os.kill(self.process.pid, signal.SIGCONT)
            self.process.stdin.write(f"{row} {seconds}\n")
            self.process.stdin.flush()
            if not select.select([self.process.stdout], [], [], ANSWER_SECONDS)[0]:
                self.process.kill()
                raise SideError(f"{self.name} did not answer row {row} for {ANSWER_SECONDS} s")
            answer = self.process.stdout.readline().split()
            os.kill(self.process.pid, signal.SIGSTOP)
        except (BrokenPipeError, ProcessLookupError) as error:
            raise SideError(f"{self.name} is gone at row {row}: {error}") from error
        if answer == ["absent"]:
            return None
        if not answer or answer[0] == "error":
            raise SideError(f"{self.name}, row {row}: {' '.join(answer[1:]) or 'it ended'}")
        return float(answer[0]), [float(word) for word in answer[1:]]

    def close(self):
        try:
            os.kill(self.process.pid, signal.SIGCONT)
            self.process.stdin.close()
            self.process.wait(timeout=30)
        except (OSError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


@dataclasses.dataclass
class Measured:
    """One row on all sides. Nanoseconds and checks by side; rounds that were measured and kept."""
    nanoseconds: dict
    checks: dict
    rounds: int
    kept: int
    steady: bool
    failures: dict


class Sides:
    """Starts programs as they are needed and measures rows on them.

    `programs` maps a side's name to (command, extra environment); "probe" is one of them. After
    `patience` seconds no dropped round is made up for.
    """

    def __init__(self, programs, seconds, rounds, patience=float("inf")):
        self.programs = programs
        self.seconds = seconds
        self.rounds = max(rounds, LEAST_ROUNDS)
        self.hurry_from = time.monotonic() + patience
        self.running = {}
        self.probes = []  # GFLOP/s of one core, over the whole run

    def side(self, name, threads):
        if (name, threads) not in self.running:
            command, extra = self.programs[name]
            self.running[name, threads] = Side(command, threads, extra)
        return self.running[name, threads]

    def probe(self, threads):
        """What the cores do right now: nanoseconds of a fixed number of multiply-adds in registers,
        the least of some short tries."""
        tries = [self.side("probe", threads).block("probe", 0.0005) for _ in range(4)]
        best = min(nanoseconds for nanoseconds, _ in tries)
        self.probes.append(tries[0][1][0] / best)
        return best

    def first(self, row, names):
        """Sets the row up on all sides: those that have it, and why others do not."""
        able, failures = [], {}
        for name, threads in names:
            try:
                if self.side(name, threads).block(row, self.seconds) is not None:
                    able.append((name, threads))
            except SideError as error:
                failures[name, threads] = str(error)
                self.running.pop((name, threads)).close()
        return able, failures

    def measure(self, row, names):
        """Rounds of one block on each side (A B A B), a probe between rounds; rounds whose probes
        differ are dropped and made up for, up to three times as many. `names`: (side, threads)."""
        able, failures = self.first(row, names)
        threads = max(threads for _, threads in names)
        taken = []  # (difference of the probes, {side: (nanoseconds, checks)})
        before = self.probe(threads)
        while able:
            blocks = {name: self.side(*name).block(row, self.seconds) for name in able}
            after = self.probe(threads)
            taken.append((abs(after - before) / min(after, before), blocks))
            before = after
            most = self.rounds * (3 if time.monotonic() < self.hurry_from else 1)
            if sum(difference <= STEADY for difference, _ in taken) >= self.rounds or len(taken) >= most:
                break
        kept = [entry for entry in taken if entry[0] <= STEADY]
        steady = len(kept) >= LEAST_ROUNDS
        if not steady:  # the least disturbed ones, and the table says so
            kept = sorted(taken, key=lambda entry: entry[0])[:LEAST_ROUNDS]
        return Measured(
            {name: statistics.median(blocks[name][0] for _, blocks in kept) for name in able},
            {name: kept[0][1][name][1] for name in able}, len(taken), len(kept), steady, failures)

    def close(self):
        for side in self.running.values():
            side.close()
        self.running = {}


def same_work(ours, theirs):
    """Whether two lists of checks agree."""
    return len(ours) == len(theirs) and all(
        abs(a - b) <= CHECK_TOLERANCE * max(1e-2, abs(a), abs(b)) for a, b in zip(ours, theirs))


def same_training(ours, theirs):
    """Whether losses agree, and also how far they came down: a step that is not taken shows."""
    fall, their_fall = ours[0] - ours[-1], theirs[0] - theirs[-1]
    return same_work(ours, theirs) and abs(fall - their_fall) <= 0.05 * max(abs(fall), abs(their_fall))


def start_once(command, threads, extra):
    """Runs a program to its end: (wall nanoseconds, the number that it printed)."""
    reading, writing = os.pipe()
    begin = time.monotonic_ns()
    pid = os.posix_spawn(command[0], command, environment(threads, extra),
                         file_actions=[(os.POSIX_SPAWN_DUP2, writing, 1)])
    os.close(writing)
    _, status = os.waitpid(pid, 0)
    wall = time.monotonic_ns() - begin
    with os.fdopen(reading) as output:
        text = output.read()
    if status != 0:
        raise SideError(f"{os.path.basename(command[0])} ended with status {status}")
    return wall, float(text)
