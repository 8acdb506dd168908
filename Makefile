# What a newcomer runs: `make fuzz` and `make test`. Everything sets up what it needs first.
KERNEL ?= debian:5.10.223
TIME ?= 3m
OUT ?= crashes
KILLS ?= 100
BIN := .venv/bin

# Campaigns and their tests start many processes; without kept byte code each would compile hundreds of sources first.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: fuzz test check lint bench soak setup setup-tests clean

fuzz: setup  ## a short real campaign on a stock kernel; KERNEL=debian:bookworm TIME=10m OUT=dir
	$(BIN)/usbfuzz fuzz --kernel $(KERNEL) --time $(TIME) --out $(OUT)

test: check  ## every test: the fast ones first, then those with real guests, one after the other
	$(BIN)/pytest -m 'processes and not guest' -n 2
	$(BIN)/pytest -m guest

check: setup-tests  ## the fast tests: no guest and no campaign
	$(BIN)/pytest -m 'not guest and not processes' -n 2

lint: setup-tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: setup  ## devices per second, as a table with ratios
	$(BIN)/usbfuzz bench

soak: TIME := 1h
soak: OUT := soak
soak: setup  ## does anything grow over hours, or get lost by kill -9? TIME=8h KILLS=1000
	$(BIN)/usbfuzz bench soak --kernel $(KERNEL) --time $(TIME) --kills $(KILLS) --out $(OUT)

setup:
	@scripts/bootstrap

setup-tests:
	@scripts/bootstrap tests

clean:
	rm -rf .venv build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
