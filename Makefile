# Every target sets itself up in .venv; the only needs are make and Python >= 3.11.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test check bench soak clean

demo: $(VENV)/train ## The whole path on the embedded MiniMix: build, featurise, train, score.
	$(BIN)/molmix-bench run baselines/gine.yaml

test: $(VENV)/dev ## Every test that this machine can run.
	$(BIN)/pytest -n 2 --dist worksteal $(ARGS)

check: $(VENV)/dev ## Style and types.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/dev ## The speed table, side by side with the peers; a JSON beside it.
	OMP_PROC_BIND=true OMP_PLACES=cores $(BIN)/python -m tests.benchmarks $(ARGS)

soak: $(VENV)/dev ## Things broken at random, hundreds of times; ARGS="publish --num 20" for one of them.
	$(BIN)/python -m tests.soak $(ARGS)

clean:
	rm -rf $(VENV)

$(VENV)/dev: $(VENV)/train
	$(BIN)/pip install -q -c constraints.txt -e ".[train,cards,leaderboard,dev]"
	touch $@

$(VENV)/train: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q -c constraints.txt -e ".[train]"
	touch $@
