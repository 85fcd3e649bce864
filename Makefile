# Each target makes the environment it needs; a stamp file in it says what it was made from.
PYTHON ?= python3
WORKERS ?= 2
PIP_FLAGS ?= --quiet --disable-pip-version-check

SOURCES := $(shell find augsafe -type f -not -name '*.pyc')

.DEFAULT_GOAL := help
.PHONY: help demo test bench evidence material docs generated install-check clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 24

demo: .venv-demo/stamp ## install the core alone and run `augsafe demo`
	.venv-demo/bin/augsafe demo

test: .venv/stamp ## lint, types and tests
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/pydoclint --quiet augsafe
	OMP_NUM_THREADS=1 .venv/bin/python -m pytest -n $(WORKERS)

bench: .venv-bench/stamp ## speed beside other libraries
	.venv-bench/bin/python -m benchmarks
	.venv-bench/bin/python -m benchmarks.guards
	.venv-bench/bin/python -m benchmarks.import_time

evidence: .venv/stamp ## every table that the docs quote; takes an hour or so
	.venv/bin/python -m benchmarks.evidence

# What others drew and `benchmarks.drawn_table` reads; nothing of it is kept in the repository.
FONTS := fonts-dejavu fonts-liberation fonts-freefont-ttf fonts-crosextra-carlito fonts-crosextra-caladea fonts-cabin \
  fonts-comic-neue fonts-oldstandard fonts-dosis fonts-quicksand fonts-play fonts-inconsolata fonts-lato fonts-ebgaramond \
  fonts-linuxlibertine fonts-b612 fonts-firacode fonts-comfortaa fonts-courier-prime fonts-go fonts-noto-color-emoji \
  fonts-dkg-handwriting fonts-breip fonts-rufscript openclipart-svg
ICONS := lucide-static@1.62.0 bootstrap-icons@1.13.2 @material-symbols/svg-400@0.48.2 @tabler/icons@3.52.0 \
  @twemoji/svg@15.0.0 flag-icons@7.5.0

material: .venv/stamp ## fonts, icons, emoji and flags that `make evidence` reads; wants Debian, root and npm
	apt-get install -y --no-install-recommends $(FONTS)
	npm install --prefix material --no-save --ignore-scripts --no-audit --no-fund $(ICONS)
	.venv/bin/python -m pip install $(PIP_FLAGS) 'resvg-py>=0.5'

generated: .venv/stamp ## what is made from the code: docs/codes.md, docs/transforms.md and its pictures, the schema
	.venv/bin/python -c "from pathlib import Path; from augsafe.report import codes_page; \
	  Path('docs/codes.md').write_text(codes_page(), encoding='utf-8')"
	.venv/bin/python -c "import json; from pathlib import Path; from augsafe.policies.schema import policy_schema; \
	  Path('augsafe/policies/policy.schema.json').write_text(json.dumps(policy_schema(), indent=2) + '\n', encoding='utf-8')"
	.venv/bin/python examples/make_gallery.py

docs: .venv-docs/stamp ## the documentation as a site, in site/; any web server shows it
	NO_MKDOCS_2_WARNING=1 .venv-docs/bin/mkdocs build --strict

install-check: ## install the core in a fresh environment and start it
	rm -rf .venv-check
	$(PYTHON) -m venv .venv-check
	.venv-check/bin/python -m pip install $(PIP_FLAGS) .
	cd .venv-check && bin/augsafe --help && bin/python -c \
	  'import augsafe as aug; aug.check(aug.HorizontalFlip(), contract="mnist", draws=500).to_html("report.html")'

clean: ## remove the environments and what tools left behind
	rm -rf .venv .venv-demo .venv-bench .venv-check .venv-docs build dist site *.egg-info augsafe-demo
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find augsafe tests benchmarks examples -name __pycache__ -type d -prune -exec rm -rf {} +

# The demo runs a copy of the package, so it is installed again when a source changed; the others run it in place.
.venv-demo/stamp: pyproject.toml $(SOURCES)
	test -x .venv-demo/bin/python || $(PYTHON) -m venv .venv-demo
	.venv-demo/bin/python -m pip install $(PIP_FLAGS) .
	touch $@

.venv/stamp: pyproject.toml
	test -x .venv/bin/python || $(PYTHON) -m venv .venv
	.venv/bin/python -m pip install $(PIP_FLAGS) -e '.[dev]'
	touch $@

.venv-bench/stamp: pyproject.toml
	test -x .venv-bench/bin/python || $(PYTHON) -m venv .venv-bench
	.venv-bench/bin/python -m pip install $(PIP_FLAGS) -e '.[bench]'
	touch $@

.venv-docs/stamp: pyproject.toml
	test -x .venv-docs/bin/python || $(PYTHON) -m venv .venv-docs
	.venv-docs/bin/python -m pip install $(PIP_FLAGS) -e '.[docs]'
	touch $@
