"""Archives laid out as SumMe's and TVSum's are, of a few tiny videos that are really encoded."""

import io
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import av
import h5py
import numpy as np
import scipy.io

from stages.media import video

FPS = 30
SIZE = (64, 48)


def images(n_frames: int, seed: int) -> list[np.ndarray]:
    """A few shots of plain colour with a moving bar."""
    random = np.random.default_rng(seed)
    colours = random.integers(30, 220, (1 + n_frames // 30, 3))
    shots = np.repeat(colours, 30, axis=0)[:n_frames]
    frames = []
    for number, colour in enumerate(shots):
        image = np.empty((SIZE[1], SIZE[0], 3), np.uint8)
        image[:] = colour
        image[:, number % 56 : number % 56 + 8] = (250, 250, 250)
        frames.append(image)
    return frames


def webm(path: Path, n_frames: int, seed: int) -> None:
    """A VP8 video."""
    with av.open(str(path), "w", format="webm") as container:
        stream = container.add_stream("libvpx", rate=FPS)
        stream.width, stream.height = SIZE
        stream.pix_fmt = "yuv420p"
        for image in images(n_frames, seed):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode(None))


SUMME = {"Bike Race": 95, "Air_Force": 80, "cooking": 70, "Leaps": 60, "Snorkel": 76}
"""Name to annotated frames; none is a name of SumMe's, whose shots are known. cooking.mp4 is six
frames short; its webm is whole.
"""


def summe(folder: Path, short: Mapping[str, int] = {}) -> Path:
    """`SumMe.zip`: GT/*.mat, videos/*.mp4 and *.webm, and what macOS leaves behind.

    short: videos that decode to so many frames fewer than are annotated.
    """
    root = folder / "SumMe"
    (root / "GT").mkdir(parents=True)
    (root / "videos").mkdir()
    for seed, (name, n_frames) in enumerate(SUMME.items()):
        random = np.random.default_rng(seed)
        picked_NU = random.random((n_frames, 4)) < 0.2
        picked_NU[:10] = True
        scipy.io.savemat(
            root / "GT" / f"{name}.mat",
            {
                "user_score": picked_NU * random.integers(1, 9, picked_NU.shape),
                "nFrames": n_frames,
                "FPS": FPS,
            },
        )
        there = n_frames - 6 * (name == "cooking") - short.get(name, 0)
        video.encode(root / "videos" / f"{name}.mp4", images(there, seed), FPS, SIZE)
    webm(root / "videos" / "cooking.webm", SUMME["cooking"], 2)
    (root / "videos" / "._Leaps.mp4").write_bytes(b"Finder")
    path = folder / "SumMe.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for file in sorted(root.rglob("*")):
            archive.write(file, file.relative_to(folder))
    return path


TVSUM = {"zzz": 65, "AAA-1": 80, "_b_": 95, "c9": 70, "d0": 75}
"""Id to annotated frames; the second video decodes to one frame more."""


def mat(path: Path) -> Path:
    """`ydata-tvsum50.mat`: a MATLAB 7.3 struct array, so an HDF5 file of references."""
    with h5py.File(path, "w") as file:
        cells = file.create_group("#refs#")
        columns: dict[str, list[h5py.Reference]] = {}
        for seed, (name, n_frames) in enumerate(TVSUM.items()):
            random = np.random.default_rng(seed)
            scores_UN = np.repeat(random.integers(1, 6, (6, n_frames)), 1, axis=1)
            fields = {
                "video": np.array([[ord(letter)] for letter in name], np.uint16),
                "category": np.array([[86], [84]], np.uint16),
                "title": np.array([[84]], np.uint16),
                "user_anno": scores_UN.astype(np.float64),
                "nframes": np.array([[n_frames]], np.float64),
                "length": np.array([[n_frames / FPS]], np.float64),
            }
            for field, value in fields.items():
                cell = cells.create_dataset(str(len(cells)), data=value)
                columns.setdefault(field, []).append(cell.ref)
        table = file.create_group("tvsum50")
        for field, references in columns.items():
            column = table.create_dataset(field, (len(references), 1), dtype=h5py.ref_dtype)
            column[:, 0] = references
    return path


def tvsum(folder: Path) -> Path:
    """`tvsum50_ver_1_1.tgz`: a folder of zips, the videos in one of them, no annotations."""
    folder.mkdir(parents=True, exist_ok=True)
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        for seed, (name, n_frames) in enumerate(TVSUM.items()):
            clip = folder / f"{name}.mp4"
            video.encode(clip, images(n_frames + (seed == 1), seed), FPS, SIZE)
            archive.write(clip, f"video/{name}.mp4")
    path = folder / "tvsum50_ver_1_1.tgz"
    with tarfile.open(path, "w:gz") as archive:
        member = tarfile.TarInfo("ydata-tvsum50-v1_1/ydata-tvsum50-video.zip")
        member.size = len(inner.getvalue())
        archive.addfile(member, io.BytesIO(inner.getvalue()))
    return path
