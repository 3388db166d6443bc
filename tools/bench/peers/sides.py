"""Finds the peers and builds each side's program. A peer that is not there is absent, with the reason."""
import json
import os
import subprocess

from rows import DEFAULT, FUSED, ONEDNN, OPENBLAS, PYPI, PYTHON, TUNED

SOURCES = os.path.join(os.path.dirname(os.path.realpath(__file__)), "programs")
LIBRARIES = "/usr/lib/x86_64-linux-gnu"
PTHREAD_BLAS, OPENMP_BLAS = f"{LIBRARIES}/openblas-pthread", f"{LIBRARIES}/openblas-openmp"
COMMON = ["-O2", "-Wall", "-Wextra", "-I", SOURCES, "-I", os.path.join(SOURCES, "../..")]


def has_avx512():
    with open("/proc/cpuinfo", encoding="ascii", errors="replace") as info:
        return " avx512f " in info.read()


def kept_memory():
    """glibc gives no freed memory back."""
    return {"MALLOC_MMAP_THRESHOLD_": str(32 << 20), "MALLOC_TRIM_THRESHOLD_": str(1 << 40),
            "MALLOC_TOP_PAD_": str(64 << 20)}


def tuned_environment():
    extra = kept_memory()
    if os.path.isdir(OPENMP_BLAS):
        extra["LD_LIBRARY_PATH"] = OPENMP_BLAS
    if has_avx512():
        extra["ATEN_CPU_CAPABILITY"] = "avx512"
    return extra


def default_environment():
    """As Debian installs it, whichever OpenBLAS the machine prefers."""
    return {"LD_LIBRARY_PATH": PTHREAD_BLAS} if os.path.isdir(PTHREAD_BLAS) else {}


def pypi_torch(build_folder):
    """(facts of PyPI's PyTorch, "") or (None, why there is none)."""
    python = os.environ.get("TENON_PEERS_PYTHON") or os.path.join(build_folder, "peers/venv/bin/python")
    if not os.path.exists(python):
        return None, f"{python} is not there; tools/setup --peers installs it where it can"
    code = ("import json, os, torch; print(json.dumps([torch.__version__, "
            "os.path.dirname(torch.__file__), int(torch._C._GLIBCXX_USE_CXX11_ABI)]))")
    found = subprocess.run([python, "-c", code], capture_output=True, text=True, check=False)
    if found.returncode != 0:
        return None, f"{python}: {(found.stderr.strip().splitlines() or ['failed'])[-1]}"
    version, folder, abi = json.loads(found.stdout.splitlines()[-1])
    return {"python": python, "version": version, "folder": folder, "abi": abi}, ""


def commands(build_folder, pypi):
    """{program: compiler command without -o}."""
    lib = os.path.join(build_folder, "lib")
    ours = ["-std=c++20", *COMMON, "-I", os.path.join(build_folder, "include"), "-L", lib,
            f"-Wl,-rpath,{lib}"]
    debian = ["-std=c++17", *COMMON, "-isystem", "/usr/include/torch/csrc/api/include"]
    torch_libraries = ["-ltorch", "-ltorch_cpu", "-lc10"]
    tenon_libraries = [f"-ltenon_{name}" for name in ("nn", "autograd", "runtime")]
    result = {
        "ours": [*ours, "ours.cpp", *tenon_libraries],
        "start_ours": [*ours, "start_ours.cpp", *tenon_libraries],
        "fused": ["-std=c++17", *COMMON, "-O3", "-march=native", "-ffp-contract=fast", "fused.cpp",
                  "-pthread"],
        "openblas": ["-std=c++17", *COMMON, "openblas.cpp", "-L", PTHREAD_BLAS, "-lopenblas",
                     f"-Wl,-rpath,{PTHREAD_BLAS}"],
        "onednn": ["-std=c++17", *COMMON, "onednn.cpp", "-ldnnl"],
        "libtorch": [*debian, "libtorch.cpp", *torch_libraries],
        "start_libtorch": [*debian, "start_libtorch.cpp", *torch_libraries],
    }
    if pypi:
        folder = pypi["folder"]
        flags = ["-std=c++20", *COMMON, f"-D_GLIBCXX_USE_CXX11_ABI={pypi['abi']}",
                 "-isystem", f"{folder}/include", "-isystem", f"{folder}/include/torch/csrc/api/include",
                 "-L", f"{folder}/lib", f"-Wl,-rpath,{folder}/lib", "-Wl,--allow-shlib-undefined"]
        result["pypi"] = [*flags, "libtorch.cpp", "-ltorch_cpu", "-lc10"]
        result["start_pypi"] = [*flags, "start_libtorch.cpp", "-ltorch_cpu", "-lc10"]
    return result


def up_to_date(target, command, build_folder):
    inputs = [os.path.join(SOURCES, name) for name in os.listdir(SOURCES)]
    if "ours" in os.path.basename(target):
        lib = os.path.join(build_folder, "lib")
        inputs += [os.path.join(lib, name) for name in os.listdir(lib) if name.startswith("libtenon")]
    note = target + ".command"
    if not (os.path.exists(target) and os.path.exists(note)):
        return False
    with open(note, encoding="utf-8") as file:
        if file.read() != " ".join(command):
            return False
    return os.path.getmtime(target) > max(os.path.getmtime(path) for path in inputs)


def compile_all(folder, build_folder, pypi):
    """Builds what is not up to date; {program: "" or why it could not be built}."""
    os.makedirs(folder, exist_ok=True)
    waiting, results = [], {}
    for name, arguments in commands(build_folder, pypi).items():
        target = os.path.join(folder, name)
        command = ["g++", *arguments, "-o", target]
        results[name] = ""
        if not up_to_date(target, command, build_folder):
            waiting.append((name, target, command))
    running = []
    while waiting or running:
        while waiting and len(running) < (os.cpu_count() or 1):
            name, target, command = waiting.pop(0)
            process = subprocess.Popen(command, cwd=SOURCES, stderr=subprocess.PIPE, text=True)
            running.append((name, target, command, process))
        name, target, command, process = running.pop(0)
        errors = process.communicate()[1]
        if process.returncode == 0:
            with open(target + ".command", "w", encoding="utf-8") as file:
                file.write(" ".join(command))
        else:
            said = [line for line in errors.splitlines() if "error" in line or "cannot" in line]
            results[name] = (said or errors.splitlines() or ["the compiler failed"])[0][:200]
    return results


def package_version(package):
    found = subprocess.run(["dpkg-query", "-W", "-f=${Version}", package], capture_output=True,
                           text=True, check=False)
    return found.stdout.strip() or "unknown version"


def find_sides(build_folder):
    """({side: (command, extra environment)}, {program of a start: command}, {peer: what it is},
    {peer: why it is absent})."""
    folder = os.path.join(build_folder, "peers")
    pypi, why_no_pypi = pypi_torch(build_folder)
    results = compile_all(folder, build_folder, pypi)
    for name in ("ours", "start_ours", "fused"):
        if results[name]:
            raise RuntimeError(f"could not build {name}: {results[name]}")

    def path(name):
        return [os.path.join(folder, name)]

    sides = {"ours": (path("ours"), {}), "probe": (path("fused"), {}), FUSED: (path("fused"), {})}
    starts = {"ours": path("start_ours")}
    texts = {FUSED: "vectors of the whole width, -O3 -march=native"}
    absent = {}

    def add(peer, program, extra, text, start=None):
        if results.get(program):
            absent[peer] = results[program]
            return
        sides[peer] = (path(program), extra)
        texts[peer] = text
        if start:
            starts[peer] = path(start)

    torch = f"Debian's libtorch {package_version('libtorch1.13')}"
    add(DEFAULT, "libtorch", default_environment(), torch, "start_libtorch")
    tuned = tuned_environment()
    add(TUNED, "libtorch", tuned, "the same with " + ", ".join(
        f"{key}={value}" for key, value in tuned.items()))
    if pypi:
        text = f"PyTorch {pypi['version']} of PyPI from C++, freed memory kept"
        add(PYPI, "pypi", kept_memory(), text, "start_pypi")
        starts[PYTHON] = [pypi["python"], os.path.join(SOURCES, "start_python.py")]
        texts[PYTHON] = f"import torch of PyTorch {pypi['version']}"
    else:
        absent[PYPI] = absent[PYTHON] = why_no_pypi
    add(OPENBLAS, "openblas", {}, f"called directly, {package_version('libopenblas0-pthread')}")
    add(ONEDNN, "onednn", {}, f"called directly, {package_version('libdnnl2')}")
    return sides, starts, texts, absent
