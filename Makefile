# Every target sets up what it needs on a fresh Debian or Ubuntu that has Python 3.11+ and make.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export VIRTUAL_ENV := $(CURDIR)/.venv
# Tests and demo start some thousand processes; where bytecode must not be kept, each would compile the programs anew.
export PYTHONDONTWRITEBYTECODE :=

STAMP := .venv/.stamp
PROJECTS := proto/pyproject.toml agent/pyproject.toml manager/pyproject.toml
LOCK := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --upgrade \
	--no-emit-index-url --no-annotate --no-header --no-emit-package wayside-proto

.PHONY: help setup demo test conformance fuzz check proto bench deb sbom lock format clean

help: ## Lists the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

setup: $(STAMP) ## Makes .venv with everything in it

$(STAMP): packaging/setup.sh requirements/bootstrap.txt requirements/dev.txt $(PROJECTS)
	sh packaging/setup.sh
	touch $@

demo: $(STAMP) ## Runs the whole system on real logs; DEMO_EXIT=1 ends by itself
	sh packaging/system_packages.sh mosquitto
	PYTHONPATH=packaging/demo python -m wayside_demo

test: $(STAMP) ## Runs every test
	sh packaging/system_packages.sh mosquitto gpsd softhsm2:softhsm2-util faketime fiu-utils:fiu-run \
		"rsyslog-openssl:/usr/lib/*/rsyslog/lmnsd_ossl.so" rauc swupdate squashfs-tools:mksquashfs dbus:dbus-daemon \
		nginx-light:nginx "libnginx-mod-http-js:/usr/lib/nginx/modules/ngx_http_js_module.so"
	python -m pytest -n 4 --dist loadfile --no-loadscope-reorder --durations 25

conformance: $(STAMP) ## Runs the public TUF suite against the unit's client; SUITE=<checkout of theupdateframework/tuf-conformance>
	sh packaging/system_packages.sh faketime
	cd $(or $(SUITE),$(error SUITE is missing: name a checkout of theupdateframework/tuf-conformance)) && \
		PYTHONPATH=. python -m pytest -q -p no:cacheprovider tuf_conformance \
		--entrypoint "$(CURDIR)/.venv/bin/python $(CURDIR)/tests/conformance/tuf_client.py"

fuzz: $(STAMP) ## Throws hostile bytes at every parser; CASES=1000000
	PYTHONPATH=proto/asn1 python -W ignore -m tests.fuzz.run --cases $(or $(CASES),1000000)

check: $(STAMP) ## Lints, types, import rules, proto style, freshness of generated code
	ruff check
	ruff format --check
	mypy proto/asn1/uper_compiler proto/python/wayside agent/wayside_agent manager/wayside_manager tests bench firmware_images/build.py packaging/demo/wayside_demo
	PYTHONPATH= lint-imports
	cd proto && buf lint
	sh packaging/check_generated.sh

proto: $(STAMP) ## Regenerates proto/python/wayside/v1 and the codec of V2X messages
	proto/generate.sh proto/python
	cd proto/asn1 && python -m uper_compiler ../python/wayside/v2x/generated

bench: $(STAMP) ## Runs one benchmark: make bench NAME=<name>; without NAME lists them
	@PYTHONPATH=packaging/demo python bench/run.py $(NAME)

deb: $(STAMP) ## Builds the Debian packages into dist/
	sh packaging/deb/build.sh agent
	sh packaging/deb/build.sh manager

sbom: $(STAMP) ## Lists what the packages are made of into dist/: CycloneDX and licences
	sh packaging/sbom/build.sh dist

lock: $(STAMP) ## Renews requirements/*.txt
	$(LOCK) requirements/bootstrap.in -o requirements/bootstrap.txt
	$(LOCK) --extra pkcs11 --extra rauc agent/pyproject.toml -o requirements/agent.txt
	$(LOCK) --extra pkcs11 manager/pyproject.toml -o requirements/manager.txt
	$(LOCK) $(PROJECTS) requirements/dev.in -o requirements/dev.txt

format: $(STAMP) ## Formats the code
	ruff check --fix
	ruff format

clean: ## Removes what the targets made
	rm -rf .venv dist build .demo .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
