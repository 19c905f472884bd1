"""A small disk that a test may fill, without any right on this machine: a tmpfs in a mount namespace of the test's own."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path

IS_IN_NAMESPACE = "BSP_IN_MOUNT_NAMESPACE"
# Who is not root becomes nobody else: PostgreSQL refuses to be root, and takes a mapped root for one.
UNSHARE = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--user", "--mount", "--map-current-user", "--keep-caps"]
WHY_NOT = "this system lets a normal user have no mount namespace (user.max_user_namespaces, kernel.unprivileged_userns_clone), so there is no disk to fill"


def enter():
    """Begins this program again in a namespace of its own, where there may be one; to be called before anything else."""
    if IS_IN_NAMESPACE in os.environ:
        return
    try:
        may = subprocess.run([*UNSHARE, "mount", "-t", "tmpfs", "none", "/mnt"], capture_output=True, check=False, timeout=30).returncode == 0
    except OSError:
        may = False
    if may:
        os.execvpe("unshare", [*UNSHARE, sys.executable, *sys.argv], {**os.environ, IS_IN_NAMESPACE: "yes"})


def is_possible():
    return IS_IN_NAMESPACE in os.environ


class SmallDisk:
    def __init__(self, folder):
        self.folder = Path(folder)
        self.filler = self.folder / "filler"

    def fill(self):
        with open(self.filler, "ab", buffering=0) as file:
            for size in (65536, 4096):
                with contextlib.suppress(OSError):
                    while True:
                        file.write(bytes(size))

    def free(self):
        self.filler.unlink()


@contextlib.contextmanager
def small_disk(folder, megabytes):
    Path(folder).mkdir(exist_ok=True)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0777", "none", folder], check=True)
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", "-l", folder], check=True)
