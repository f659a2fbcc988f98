"""Only the functions of a level use its instructions: python instruction_sets.py BINARY, an unstripped x86-64 one.

So a process with the baseline forced, or on a processor that has nothing else, executes no wider instruction.
"""

import re
import subprocess
import sys

FUNCTION = re.compile(r"^[0-9a-f]+ <(.*)>:$")
# AVX, AVX2, FMA and AVX-512 all encode as VEX or EVEX: their mnemonics begin with v, but for the mask registers' k.
WIDE = re.compile(r"^\s+[0-9a-f]+:\t(v\w+|k(mov|and|or|test|shift|xor|not|add|unpck)\w*)\b")
ALLOWED = {"verr", "verw"}


def main(binary: str) -> int:
    listing = subprocess.run(
        ["objdump", "-d", "-C", "--no-show-raw-insn", binary], check=True, capture_output=True, text=True
    ).stdout
    function, leaks, levels = "", {}, {"v3": 0, "v4": 0}
    for line in listing.splitlines():
        if (start := FUNCTION.match(line)) is not None:
            function = start.group(1)
        elif (wide := WIDE.match(line)) is not None and wide.group(1) not in ALLOWED:
            level = next((name for name in levels if f"::{name}::" in function), None)
            if level is None:
                leaks[function] = line.strip()
            else:
                levels[level] += 1
    for function, line in leaks.items():
        print(f"{function} uses {line}")
    print(f"{len(leaks)} leaks; wide instructions in their own functions: {levels}")
    return bool(leaks) or not all(levels.values())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
