"""Print the commands of a Markdown file: what stands in its ```sh blocks. Usage: readme_commands.py FILE"""

from __future__ import annotations

import re
import sys
from pathlib import Path

BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def main(path: str) -> int:
    """Writes the commands to stdout; fails when there are none, since then nothing would be checked."""
    blocks = BLOCK.findall(Path(path).read_text(encoding="utf-8"))
    sys.stdout.write("".join(blocks))
    return 0 if blocks else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
