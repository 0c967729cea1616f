# The commands of this project. They need Python 3.11 or newer and make. `make serve` and `make test` create two
# environments under .venv. The wheels are kept in the user's cache, so the next clone needs no network.

PYTHON ?= python3
CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/digits
WHEELS := $(CACHE)/wheels
SERVE := .venv/serve
DEV := .venv/dev
RUN := $(DEV)/bin/python

.PHONY: serve test lint train evaluate report parity bench-training bench-serving bench-page bench-preprocessing torture fuzz openapi pictures walkthrough-plots sbom licences lock clean help

help:                ## List the commands
	@grep -E '^[a-z-]+:.*##' Makefile | sed 's/:.*##/ -/'

serve: $(SERVE)/done ## Run the service on port 8080 with the shipped weights
	$(SERVE)/bin/gunicorn --config service/gunicorn.conf.py

# One BLAS thread: the tests already run one process for each core.
test: export OPENBLAS_NUM_THREADS = 1
test: $(DEV)/done    ## Run all tests
	$(RUN) -m pytest -n auto --dist loadgroup

lint: $(DEV)/done    ## Check formatting, lint rules and types
	$(DEV)/bin/ruff format --check .
	$(DEV)/bin/ruff check .
	$(DEV)/bin/mypy

# The recipe of the shipped weights, where it differs from the defaults (which take two minutes). It uses one BLAS
# thread: the other core augments the images, and two threads would compete with it.
RECIPE := --hidden 1024,500 --shared-epochs 240 --epochs 600 --dropout 0,0.15,0.15 --outliers 0.2 \
  --seed 2 --split-seed 2 --model-version 1.3.1 --test

train: export OPENBLAS_NUM_THREADS = 1
train: $(DEV)/done   ## Download MNIST and train the shipped weights; resumes an interrupted training
	$(RUN) -m training fetch
	$(RUN) -m training fit $(RECIPE) $(if $(wildcard models/digits.checkpoint.npz),--resume)
	$(RUN) -m training card

evaluate: $(DEV)/done ## Measure the shipped weights: test set, drawings and photos, pictures of no digit
	$(RUN) -m training fetch
	$(RUN) -m training evaluate
	$(RUN) -m benchmarks.accuracy.refusal
	$(RUN) -m benchmarks.accuracy $(if $(wildcard $(PEOPLE)),--people $(PEOPLE))

# An optional folder with more digits to measure on: hwd1000.npz, and people/*/ with files named by digit.
PEOPLE ?= ../shared/data

report: $(DEV)/done  ## Write a report on the shipped weights to report/
	$(RUN) -m training fetch
	$(RUN) -m training report

parity: $(DEV)/done  ## Post all 10,000 test images to the service and compare with the offline digits
	$(RUN) -m training fetch
	$(RUN) -m tests.parity

bench-training: $(DEV)/done ## Compare the training with PyTorch, JAX and scikit-learn; writes docs/benchmarks.md
	test -e .venv/bench-training/done || { $(PYTHON) -m venv --clear .venv/bench-training && \
	  .venv/bench-training/bin/pip install --quiet -r benchmarks/training/requirements.txt && \
	  touch .venv/bench-training/done; }
	$(RUN) -m training fetch
	$(RUN) -m benchmarks.training

bench-serving: $(DEV)/done $(SERVE)/done ## Compare the service with other servers (needs wrk, hey); writes docs/benchmarks.md
	for rival in fastapi mlserver litserve bentoml; do \
	  test -e .venv/bench-serving/$$rival/done || { $(PYTHON) -m venv --clear .venv/bench-serving/$$rival && \
	    .venv/bench-serving/$$rival/bin/pip install --quiet -r benchmarks/serving/requirements-$$rival.txt && \
	    touch .venv/bench-serving/$$rival/done; } || exit 1; done
	$(RUN) -m benchmarks.serving
	$(RUN) -m benchmarks.serving.overload

bench-page: $(DEV)/done ## Time the page in a browser, from pen-up to the answer (needs Chromium)
	$(RUN) -m tests.web.speed

# Seconds of mixed traffic; of overload, and of kills; of each fault. For four minutes instead of an hour and a
# half: make torture SOAK=60 LOAD=20 FAULTS=4
SOAK ?= 3600
LOAD ?= 600
FAULTS ?= 60

torture: $(DEV)/done ## Test the service for an hour and a half under load, kills and faults (Linux, root, nginx); writes docs/reliability.md
	$(RUN) -m benchmarks.torture --soak $(SOAK) --load $(LOAD) --faults $(FAULTS)

openapi: $(DEV)/done ## Write service/api/openapi.json from service/api/openapi.yaml
	$(RUN) -m scripts.openapi

# The SBOM describes an environment like that of the image: the packages of requirements.txt, without pip.
sbom: $(SERVE)/done  ## Write sbom.cdx.json: the packages of the service, with licences (CycloneDX)
	test -e .venv/sbom/done || { $(PYTHON) -m venv --clear .venv/sbom && \
	  .venv/sbom/bin/pip install --quiet cyclonedx-bom==7.5.0 && touch .venv/sbom/done; }
	$(PYTHON) -m venv --clear --without-pip .venv/sbom/service
	.venv/sbom/bin/pip --python .venv/sbom/service/bin/python install --quiet --only-binary :all: \
	  --find-links $(WHEELS) --require-hashes -r requirements.txt
	.venv/sbom/bin/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible \
	  --output-file sbom.cdx.json .venv/sbom/service/bin/python

licences: $(DEV)/done ## Write docs/licences.md: the licence of each package that the service needs
	$(RUN) -m scripts.licences

pictures: $(DEV)/done ## Draw the pictures of the page and the dashboards (needs Chromium and Prometheus)
	$(RUN) -m scripts.page_pictures
	$(RUN) -m scripts.dashboard_pictures

bench-preprocessing: $(DEV)/done ## Time the steps between decoding and the network
	$(RUN) -m benchmarks.preprocessing

fuzz:                ## Fuzz images, requests, forms and request heads for SECONDS (60)
	test -e .venv/fuzz/done || { $(PYTHON) -m venv --clear .venv/fuzz && \
	  .venv/fuzz/bin/pip install --quiet --require-hashes -r requirements.txt && \
	  .venv/fuzz/bin/pip install --quiet -r tests/fuzz/requirements.txt && touch .venv/fuzz/done; }
	.venv/fuzz/bin/python -m tests.fuzz --seconds $(SECONDS)
SECONDS ?= 60

walkthrough-plots: $(DEV)/done ## Draw the plots of the walkthrough
	$(RUN) -m scripts.walkthrough_plots

lock: $(DEV)/done    ## Pin the newest releases that pyproject.toml allows, with hashes
	$(RUN) -m pip install --quiet uv
	$(DEV)/bin/uv pip compile $(LOCK) --upgrade -o requirements.txt
	$(DEV)/bin/uv pip compile $(LOCK) --upgrade -c requirements.txt --extra train --extra test --extra otel -o requirements-dev.txt
LOCK := pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url --no-emit-find-links

clean:               ## Remove the environments and the files of tools
	rm -rf .venv .pytest_cache .mypy_cache .ruff_cache report

$(SERVE)/done: requirements.txt
	$(call environment,$(SERVE),requirements.txt)

$(DEV)/done: requirements-dev.txt
	$(call environment,$(DEV),requirements-dev.txt)

# Create an environment from pinned, hashed wheels, without the network if the cache holds all of them.
define environment
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.12 …")'
	$(PYTHON) -m venv --clear $(1)
	@mkdir -p $(WHEELS)
	$(1)/bin/pip install --quiet --no-index --find-links $(WHEELS) --require-hashes -r $(2) 2>/dev/null || { \
	  $(1)/bin/pip download --quiet --only-binary :all: --dest $(WHEELS) --require-hashes -r $(2) && \
	  $(1)/bin/pip install --quiet --no-index --find-links $(WHEELS) --require-hashes -r $(2); }
	@touch $@
endef
