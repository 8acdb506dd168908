"""Small git trees that "build" kernels: their Makefile does what a test wants instead of compiling."""

from __future__ import annotations

import subprocess
from pathlib import Path

__all__ = ["MAKEFILE", "commit", "git", "new_tree"]

#: What a kernel tree's Makefile has: a target for the configuration, one for the image, one for the modules. What the
#: tree holds in ``kernel`` is copied to where a build would leave it; without that the build fails as a compiler does.
MAKEFILE = """\
olddefconfig:
\t@touch .config
bzImage:
\t@cat build-error 2>/dev/null && exit 1 || true
\t@mkdir -p arch/x86/boot include/config
\t@cp "$$(cat kernel)/vmlinuz" arch/x86/boot/bzImage
\t@basename "$$(ls -d "$$(cat kernel)"/lib/modules/*)" > include/config/kernel.release
modules:
\t@rm -rf built && mkdir built && cp -r "$$(cat kernel)"/lib/modules/*/kernel built/kernel
\t@cp "$$(cat kernel)"/lib/modules/*/modules.builtin* .
\t@find built -name '*.ko.xz' -exec unxz {} +
\t@find built -name '*.ko' > modules.order
"""


def git(tree: Path, *words: str) -> str:
    """Run git in a tree; its output, errors too."""
    settings = ("-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", *settings, *words], cwd=tree, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def new_tree(tree: Path) -> Path:
    """A tree with a Makefile and a configuration, which git ignores as kernels' trees do."""
    tree.mkdir()
    git(tree, "init", "-q", "-b", "main")
    (tree / "Makefile").write_text(MAKEFILE)
    (tree / ".gitignore").write_text(".config\nbuilt/\narch/\ninclude/\nmodules.*\n")
    (tree / ".config").write_text("CONFIG_MODULES=y\n")
    return tree


def commit(tree: Path, message: str, **files: str | None) -> str:
    """Write files (None: delete) and commit all; the commit's name."""
    for name, text in files.items():
        path = tree / name.replace("_", "-")
        if text is None:
            path.unlink(missing_ok=True)
        else:
            path.write_text(text)
    git(tree, "add", "-A")
    git(tree, "commit", "-q", "--allow-empty", "-m", message)
    return git(tree, "rev-parse", "HEAD").strip()
