# `make run` and `make test` do all the set-up that they need: a virtual environment in .venv, and the packages in it.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
ARGS ?= --count 15

.PHONY: all run test check fmt index bench fuzz soak storm siege dashboard page dist bill audit lock clean

all: $(READY) page

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("procpulse needs Python 3.11 or later; set PYTHON=") if sys.version_info < (3, 11) else None'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[dev]'
	touch $@

# Live rates of this host.
run: $(READY) page
	$(BIN)/procpulse stream --format table $(ARGS)

# Several at a time, then those that need the host for themselves. TESTS="tests/test_text.py" runs some. 5 is "none of them".
test: $(READY) page
	$(BIN)/python -m pytest -n 4 --dist worksteal -m "not alone" $(REPORT:%=--junitxml=%-together.xml) $(TESTS) || [ $$? -eq 5 ]
	$(BIN)/python -m pytest -m alone $(REPORT:%=--junitxml=%-alone.xml) $(TESTS) || [ $$? -eq 5 ]

# ruff, mypy, pyright where it is installed, and the rules of the house.
check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python tools/index.py --check
	$(BIN)/python -m tools.counters --check
	$(BIN)/python tools/house.py
	$(BIN)/mypy
	$(BIN)/pyright

# Write what can be written: formatting, and the index of sources for type checkers.
fmt: $(READY)
	$(BIN)/python tools/index.py
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

index: $(READY)
	$(BIN)/python tools/index.py

# Beside psutil, and glances, prometheus-node-exporter, ps and top where they can be had.
bench: $(READY)
	test -x build/peers/bin/glances || { $(PYTHON) -m venv build/peers && build/peers/bin/python -m pip install --quiet --disable-pip-version-check glances; } || true
	PATH="$$PATH:$(CURDIR)/build/peers/bin" $(BIN)/python benchmarks/run.py $(BENCH)

# A day of ticks at full speed beside devices and processes that come and go; fails when anything grows.
soak: $(READY)
	$(BIN)/python tools/soak.py $(SOAK)

# Ten minutes of sampling beside 2,000 forks a second; STORM="--minutes 1 --rate 500" for others.
storm: $(READY)
	$(BIN)/python -m tools.storm $(STORM)

# Ten minutes of `procpulse serve` under every attack at once; SIEGE="--minutes 1" for others.
siege: $(READY)
	$(BIN)/python -m tools.siege $(SIEGE)

# The page of `procpulse serve`; needs npm and node, those of the machine or of the virtual environment.
dashboard: $(READY)
	$(BIN)/python tools/dashboard.py

# The same where it can be had: without it everything else works, and the server says what is missing.
page: $(READY)
	@$(BIN)/python tools/dashboard.py --if-possible

# A wheel and an archive of the sources in dist/, both with the page in them.
dist: dashboard
	$(BIN)/python -m hatchling build
	$(BIN)/python tools/reproducible.py

# A bill of materials of what an installed wheel brings along, beside it in dist/: neither pip, which it does not need,
# nor the place where it was built (direct_url.json).
bill: dist
	rm -rf build/bill && $(PYTHON) -m venv build/bill/tools && $(PYTHON) -m venv --without-pip build/bill/runtime
	build/bill/tools/bin/python -m pip install --quiet --disable-pip-version-check cyclonedx-bom
	build/bill/tools/bin/python -m pip --python build/bill/runtime/bin/python install --quiet --disable-pip-version-check dist/procpulse-*.whl
	rm build/bill/runtime/lib/python*/site-packages/procpulse-*.dist-info/direct_url.json
	build/bill/tools/bin/cyclonedx-py environment --output-reproducible --output-file dist/procpulse.cdx.json \
	  build/bill/runtime/bin/python

# Known vulnerabilities of what CI installs; needs the advisory service of the package index. Strict: a package that the
# service does not know would be left out and the audit would pass, also where there is no such service at all.
audit: $(READY)
	test -x build/audit/bin/pip-audit || { $(PYTHON) -m venv build/audit && build/audit/bin/python -m pip install --quiet --disable-pip-version-check pip-audit; }
	build/audit/bin/pip-audit --strict --timeout 15 --progress-spinner off --disable-pip --require-hashes --requirement .ci/requirements.txt \
	  || { echo "audit: a package is vulnerable or was not looked up, as the line above says; without the advisory service nothing is known" >&2; exit 1; }

# Pin what CI installs, by hash.
lock: $(READY)
	$(BIN)/python tools/lock.py

# Damaged kernel text into every parser; FUZZ="--minutes 60", "--cases 1000000 --jobs 2", or the names of sources.
fuzz: $(READY)
	$(BIN)/python tools/fuzz.py $(FUZZ)

clean:
	rm -rf $(VENV) dist build src/procpulse/web/static src/dashboard/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis
