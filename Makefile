# Every task of the project. The first one to run makes .venv and fills it; nothing needs to be activated.

PYTHON ?=
PORT ?= 3000
UI_PORT ?= 5000
SOURCE ?=
SERVER ?=
DATA ?=
SET ?=
MODEL ?=
BASE ?=
BEFORE ?=
FILM ?=
ARGS ?=
BUILD_ARGS ?=
CONTAINER_TOOL ?=
GPU ?=
IMAGE ?= fingerspell:latest
FILES ?= 20000
TORCH_BACKEND ?=
MIN_FREE_GB ?=
UV_VERSION := 0.13.9
ATHERIS_VERSION := 3.0.0
# The longer run, from random weights: other kinematic signers than the default's, of whom each network sees 40 to 115
# times as many augmented samples, in larger batches. Minutes on a GPU, hours on two cores.
PRETRAIN_PARAMS ?= -S synthesize.seed=0 -S movements.seed=7 -S movements.train=60000 \
	-S trail.init=random -S trail.steps=1800 -S trail.lr=0.002 \
	-S init.custom_cnn=random -S init.mobilenet_v2=random -S init.resnet18=random \
	-S train.batch_size=500 -S train.lr=0.0015 \
	-S 'schedule.custom_cnn=[{epochs:9,image_size:56,samples:130000,precision:bf16},{epochs:1,image_size:224,samples:10000,precision:bf16}]' \
	-S 'schedule.mobilenet_v2=[{epochs:9,image_size:56,samples:100000,precision:bf16},{epochs:1,image_size:224,samples:10000,precision:bf16}]' \
	-S 'schedule.resnet18=[{epochs:9,image_size:56,samples:140000,precision:bf16},{epochs:1,image_size:224,samples:10000,precision:bf16}]'

# Stages call `python`, so .venv comes first; usage reports of every library are off; BentoML stays in this folder.
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export PYTHON MIN_FREE_GB
export BENTOML_DO_NOT_TRACK := True
export BENTOML_HOME := $(CURDIR)/.bentoml
export DO_NOT_TRACK := true
export DVC_NO_ANALYTICS := 1
export MLFLOW_DISABLE_TELEMETRY := true
export MLFLOW_SERVER_ENABLE_JOB_EXECUTION := false
export ORT_DISABLE_TELEMETRY := 1
export PYTHONUNBUFFERED := 1

RUN := .venv/bin/python -m
# The stamp is written after the last step of an installation, so a broken one is done again.
READY := .venv/.installed
ifneq ($(strip $(TORCH_BACKEND)),)
READY := .venv/.torch-$(strip $(TORCH_BACKEND))
endif

.DEFAULT_GOAL := help
.PHONY: help repro render render-film pretrain tune quantize test test-integration test-container lint serve container client web ui evaluate promote rollback check-figures leave-one-out bench-preprocess bench-train bench-smoothing bench-service bench-engines bench-client bench-page bench-films bench-moving bench-own-films bench-profile bench-days bench-words bench-gate fuzz fuzz-service fuzz-profiles faults docs messages figures audit sbom licences coverage clean-room deps lock clean

help: ## List the tasks
	@echo "make TASK [NAME=value ...]"
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo "  PYTHON=/path/to/python3.11   build .venv on this Python (3.11 or 3.12)"
	@echo "  TORCH_BACKEND=cpu            another build of torch: cpu, auto, cu126, ..."

repro: $(READY) ## Run what has changed: data, three networks, evaluation, registry, package
	@scripts/check_git.sh
	@.venv/bin/python scripts/fix_lock.py
	@# DVC does not watch the registry. If it is gone, or its champion is not the one on record, `register` has to run
	@# although none of its dependencies has changed, and before `package` asks for the champion.
	@$(RUN) stages.commands.check_champion record; status=$$?; \
	if [ $$status -eq 3 ]; then \
		[ -e models/champion ] || $(RUN) dvc checkout --quiet models/champion 2>/dev/null || true; \
		$(RUN) dvc repro register && { \
			$(RUN) stages.commands.check_champion record || $(RUN) dvc repro --single-item --force register; }; \
	else exit $$status; fi
	@$(RUN) stages.commands.check_champion trail_record; status=$$?; \
	if [ $$status -eq 3 ]; then \
		$(RUN) dvc repro register_trail && { \
			$(RUN) stages.commands.check_champion trail_record || $(RUN) dvc repro --single-item --force register_trail; }; \
	else exit $$status; fi
	@$(RUN) dvc repro
	@echo
	@echo "Next: make serve (the service), and in another shell make client (your webcam)."
	@echo "      make ui shows the three networks side by side."

render: $(READY) .venv/.render ## Render photographs of a hand mesh, find the hands, keep them in pretrained/ (ARGS="--signers 10 ...")
	@$(RUN) stages.commands.render $(ARGS)

render-film: $(READY) .venv/.render ## Render the film of the demonstration and the letters of the charts
	@$(RUN) stages.commands.render_film

pretrain: $(READY) ## Train long from random weights, and keep them in pretrained/ (PRETRAIN_PARAMS)
	@scripts/check_git.sh experiments
	@$(RUN) dvc exp run --name pretrain --force $(PRETRAIN_PARAMS)
	@$(RUN) stages.commands.keep_weights custom_cnn mobilenet_v2 resnet18 trail

test: $(READY) ## Run every test, one file on each core (ARGS="-k word" for some, ARGS=-n0 for one after the other)
	@$(RUN) pytest -n auto --dist loadfile --no-loadscope-reorder $(ARGS)

test-integration: $(READY) ## Run the tests that start PostgreSQL and an S3 server (ARGS="-k word" for some)
	@$(RUN) pytest -m integration $(ARGS)

test-container: $(READY) ## Build the image and run it (needs root, podman, runc and debootstrap)
	@$(RUN) pytest -m container -s $(ARGS)

lint: $(READY) ## Check style, types and spelling
	@$(RUN) ruff check --no-cache .
	@$(RUN) ruff format --check .
	@$(RUN) mypy
	@$(RUN) codespell_lib

docs: $(READY) ## Build the documentation as a site in site/; every link is checked
	@NO_MKDOCS_2_WARNING=1 $(RUN) mkdocs build --quiet --strict

messages: $(READY) ## List every error message in docs/messages.md
	@.venv/bin/python scripts/list_messages.py > docs/.messages.md
	@mv docs/.messages.md docs/messages.md

figures: $(READY) ## Write the accuracies of reports/ into README.md and docs/experiments.md
	@.venv/bin/python scripts/list_figures.py

audit: $(READY) ## Look up known vulnerabilities of the pinned packages
	@for file in all client service; do $(RUN) pip_audit --disable-pip --require-hashes -r requirements/$$file.txt || exit 1; done

sbom: $(READY) ## List every part with its version and hashes, as CycloneDX, in sbom.json
	@.venv/bin/cyclonedx-py requirements requirements/all.txt --pyproject pyproject.toml --output-reproducible -o sbom.json

licences: $(READY) ## List the licences of all dependencies in docs/licences.md
	@{ printf '# Licences of the dependencies\n\nFingerspell is MIT. What it is built and tested with, as each package says of itself '; \
		printf '(`make licences`):\n\n'; $(RUN) piplicenses --from=mixed --format=markdown; } > docs/.licences.md
	@mv docs/.licences.md docs/licences.md

coverage: $(READY) ## Run the tests, those of stores too, and say which lines none of them reaches (ARGS="tests/client" for some)
	@$(RUN) pytest -n auto --dist loadfile -m "not container" --cov --cov-report=term-missing:skip-covered $(ARGS)

clean-room: ## Clone into a new folder, with an empty cache of packages, and time the README's two commands
	@scripts/clean_room.sh

serve: $(READY) ## Serve the champion on this machine (PORT=3000)
	@[ -d bento ] || { echo "error: there is no packed model in bento/. Type: make repro" >&2; exit 1; }
	@[ -n "$${FINGERSPELL_MODEL:-}" ] || $(RUN) stages.commands.check_champion bento
	@$(RUN) stages.commands.check_port "$(PORT)" "make serve PORT"
	@# The last option is BentoML's own, though its help does not list it: Ctrl-C does not wait for idle connections.
	@$(RUN) bentoml serve "$(CURDIR)/bento" --host 127.0.0.1 --port $(PORT) --timeout-graceful-shutdown 5

container: $(READY) ## Build an image of the packaged service with docker, podman or buildah (IMAGE=fingerspell:latest GPU=1)
	@[ ! -d bento ] || $(RUN) stages.commands.check_champion bento
	@BUILD_ARGS="$(BUILD_ARGS)" CONTAINER_TOOL="$(CONTAINER_TOOL)" scripts/container.sh "$(IMAGE)" \
		$(if $(GPU),requirements/service-gpu.txt)

web: $(READY) ## Build the page for browsers, with Node.js (make serve shows it at /)
	@$(RUN) stages.web

client: $(READY) ## Recognise letters from a camera or video (SOURCE=0|FILE|FOLDER|URL SERVER=URL ARGS=--demo)
	@$(RUN) client $(if $(SOURCE),--source "$(SOURCE)") $(if $(SERVER),--server "$(SERVER)") $(ARGS)

ui: $(READY) ## Show the networks side by side in MLflow (UI_PORT=5000 ARGS=--no-browser)
	@$(RUN) stages.commands.ui --port "$(UI_PORT)" $(ARGS)

tune: $(READY) ## Search for better parameters (ARGS="--trials 50" TUNE_STORAGE=postgresql://...)
	@$(RUN) stages.commands.tune $(ARGS)

evaluate: $(READY) ## Evaluate the registered models and the reference on people (DATA="one.npz two.npz" SET=development|test)
	@[ -n "$(strip $(DATA))" ] || { echo 'error: name the raw .npz files. Type: make evaluate DATA="one.npz two.npz" SET=test' >&2; exit 1; }
	@[ -n "$(strip $(SET))" ] || { echo 'error: say which set of people these are. Type SET=development if anything is chosen by the scores, SET=test if they are only reported.' >&2; exit 1; }
	@$(RUN) stages.commands.evaluate $(DATA) --set "$(strip $(SET))"

promote: $(READY) ## Propose a model as the champion; the gate decides (MODEL=model.onnx ARGS=--again)
	@[ -n "$(strip $(MODEL))" ] || { echo 'error: name an exported network. Type: make promote MODEL=model.onnx' >&2; exit 1; }
	@$(RUN) stages.commands.promote "$(strip $(MODEL))" $(ARGS)

rollback: $(READY) ## Give the alias champion back to the previous version
	@$(RUN) stages.commands.rollback

check-figures: $(READY) ## Have the champion's figures fallen since they were committed? (BASE=v1.2 MODEL=released.onnx)
	@$(RUN) stages.commands.check_figures $(if $(strip $(BASE)),--base "$(strip $(BASE))") \
		$(if $(strip $(MODEL)),--model "$(strip $(MODEL))")

leave-one-out: $(READY) ## Train on real and synthetic hands, test on the source left out (DATA="one.npz two.npz")
	@[ -n "$(strip $(DATA))" ] || { echo 'error: name the raw .npz files. Type: make leave-one-out DATA="one.npz two.npz"' >&2; exit 1; }
	@$(RUN) benchmarks.leave_one_out $(DATA)

quantize: $(READY) ## Write an exported network in int8, to serve it smaller and faster (MODEL=model.onnx)
	@[ -n "$(strip $(MODEL))" ] || { echo 'error: name an exported network. Type: make quantize MODEL=model.onnx' >&2; exit 1; }
	@$(RUN) stages.commands.quantize "$(strip $(MODEL))" $(ARGS)

bench-preprocess: $(READY) ## Measure photographs a second, one process and several (DATA=photos.npz)
	@[ -n "$(strip $(DATA))" ] || { echo 'error: name a raw .npz of photographs. Type: make bench-preprocess DATA=photos.npz' >&2; exit 1; }
	@$(RUN) benchmarks.preprocess "$(strip $(DATA))"

bench-train: $(READY) ## Measure training: samples a second, wait for data (ARGS="--seconds 5")
	@$(RUN) benchmarks.train $(ARGS)

bench-smoothing: $(READY) ## Measure threshold, window, hold, release (MODEL=model.onnx FILM=film.mp4 DATA="one.npz")
	@$(RUN) benchmarks.smoothing $(if $(strip $(MODEL)),--model "$(strip $(MODEL))") \
		$(if $(strip $(FILM)),--film "$(strip $(FILM))") $(if $(strip $(DATA)),--data $(DATA)) $(ARGS)

bench-service: $(READY) ## Measure the packaged service under load, beside the bare model (ARGS="--soak 600 --kills 5")
	@$(RUN) benchmarks.service $(ARGS)

bench-engines: $(READY) ## Measure the model in int8 and by OpenVINO (MODEL=model.onnx DATA="one.npz two.npz")
	@$(RUN) benchmarks.engines $(if $(strip $(MODEL)),--model "$(strip $(MODEL))") $(if $(strip $(DATA)),--data $(DATA)) $(ARGS)

bench-gate: $(READY) ## Measure how often the gate is wrong, by simulation (ARGS="--trials 400")
	@$(RUN) benchmarks.gate $(ARGS)

bench-client: $(READY) ## Measure the client with its window (FILM=film.mp4 ARGS=--environment; xvfb-run without a display)
	@[ -n "$(strip $(FILM))" ] || { echo 'error: name a film of a hand that spells. Type: make bench-client FILM=film.mp4' >&2; exit 1; }
	@$(RUN) benchmarks.client "$(strip $(FILM))" $(if $(strip $(MODEL)),--model "$(strip $(MODEL))") $(ARGS)

bench-page: $(READY) ## Measure the page in Chromium: loading on slow lines, and while it reads (BEFORE=another checkout)
	@$(RUN) benchmarks.page $(if $(strip $(BEFORE)),--before "$(strip $(BEFORE))") \
		$(if $(strip $(MODEL)),--model "$(strip $(MODEL))") $(ARGS)

bench-films: $(READY) ## Run the client on films of single letters, A.mp4 and so on (DATA=folder)
	@[ -n "$(strip $(DATA))" ] || { echo 'error: name a folder of films. Type: make bench-films DATA=films' >&2; exit 1; }
	@$(RUN) benchmarks.films "$(strip $(DATA))" $(if $(strip $(MODEL)),--model "$(strip $(MODEL))") $(ARGS)

bench-moving: $(READY) ## Find J and Z in takes of people, and words that hold them (DATA=takes.npz)
	@[ -n "$(strip $(DATA))" ] || { echo 'error: name a file of takes. Type: make bench-moving DATA=takes.npz' >&2; exit 1; }
	@$(RUN) benchmarks.moving "$(strip $(DATA))" $(ARGS)

bench-own-films: $(READY) ## Films of single letters with the signer's own hand enrolled from their first halves (DATA=folder)
	@[ -n "$(strip $(DATA))" ] || { echo 'error: name a folder of films. Type: make bench-own-films DATA=films' >&2; exit 1; }
	@$(RUN) benchmarks.own_films "$(strip $(DATA))" $(if $(strip $(MODEL)),--model "$(strip $(MODEL))") $(ARGS)

bench-profile: $(READY) ## What a profile costs: making it, its size, and what it adds to a reply
	@$(RUN) benchmarks.profile $(if $(strip $(MODEL)),--model "$(strip $(MODEL))") $(ARGS)

bench-days: $(READY) ## A signer enrolled on one day and read on another (DATA=file.npz with days)
	@[ -n "$(strip $(DATA))" ] || { echo 'error: name an .npz with landmarks, labels, signers and days. Type: make bench-days DATA=days.npz' >&2; exit 1; }
	@$(RUN) benchmarks.days "$(strip $(DATA))" $(if $(strip $(MODEL)),--model "$(strip $(MODEL))") $(ARGS)

bench-words: $(READY) ## Words and names spelled by real hands, with and without word model and profile (DATA="files", SET=development|test)
	@[ -n "$(strip $(DATA))" ] && [ -n "$(strip $(SET))" ] || { echo 'error: name .npz files of people and say which set they are. Type: make bench-words DATA="one.npz two.npz" SET=test' >&2; exit 1; }
	@$(RUN) benchmarks.words $(DATA) --set $(SET) $(if $(strip $(MODEL)),--model "$(strip $(MODEL))") $(ARGS)

# The fuzzer has an environment of its own: it is not made for every system, and nothing else needs it.
fuzz: $(READY) ## Feed mutated raw files to the reader, guided by coverage (FILES=20000)
	@[ -x .venv-fuzz/bin/python ] || .venv/bin/uv venv --quiet --python .venv/bin/python .venv-fuzz
	@.venv/bin/uv pip install --quiet --python .venv-fuzz/bin/python --require-hashes -r requirements/fuzz.txt
	@.venv-fuzz/bin/python -m fuzz.raw_npz --files $(FILES) $(ARGS)

fuzz-service: $(READY) ## Send the packaged service broken requests and messages (ARGS="--count 50000")
	@$(RUN) fuzz.service $(ARGS)

fuzz-profiles: $(READY) ## Send the packaged service broken profiles and enrolments (ARGS="--count 20000")
	@$(RUN) fuzz.profiles $(ARGS)

faults: $(READY) ## Kill, fill the disk, take MLflow away: is anything lost? (ARGS="kill-register --keep" for some)
	@$(RUN) faults $(ARGS)

deps: $(READY) ## List in dvc.yaml the code and the versions of libraries that each stage depends on
	@.venv/bin/python scripts/list_deps.py

lock: $(READY) ## Pin what pyproject.toml asks for in requirements/ (ARGS=--upgrade for the newest)
	@$(call compile,all,pyproject.toml --extra pipeline --extra servers --extra service --extra client --extra dev $(ARGS))
	@# Service and client are parts of the whole: the same versions.
	@$(call compile,service,pyproject.toml --extra service --constraint requirements/all.txt)
	@$(call compile,service-gpu,pyproject.toml --extra service-gpu --constraint requirements/service.txt)
	@$(call compile,client,pyproject.toml --extra client --constraint requirements/all.txt)
	@# A package of which only the data is used.
	@$(call compile,render,pyproject.toml --no-deps --extra render)
	@echo "uv==$(UV_VERSION)" | $(call compile,uv,-)
	@printf 'atheris==%s\nnumpy\npydantic\n' $(ATHERIS_VERSION) | $(call compile,fuzz,- --constraint requirements/all.txt)
	@.venv/bin/python scripts/list_deps.py

clean: ## Remove models, package, MLflow's store and caches; raw data, reports, DVC's cache and .venv stay
	rm -rf models web bento logs .bentoml mlruns mlartifacts mlflow.db* data/processed data/test_sets data/predictions data/unfinished data/dropped.png
	rm -rf .mypy_cache .pytest_cache .ruff_cache .hypothesis .fuzz .venv-fuzz

# $(call compile,NAME,WHAT): write requirements/NAME.txt with a hash for every file and no address.
compile = .venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	-o requirements/$(1).txt $(2)

.venv/.installed: requirements/all.txt requirements/uv.txt
	@scripts/bootstrap.sh
	@touch $@

.venv/.render: .venv/.installed requirements/render.txt
	@.venv/bin/uv pip install --quiet --python .venv/bin/python --require-hashes --no-deps -r requirements/render.txt
	@touch $@

.venv/.torch-%: .venv/.installed
	@rm -f .venv/.torch-*
	@scripts/choose_torch.sh $*
	@touch $@
