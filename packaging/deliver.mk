# What is delivered, one target each: wheel sdist zipapp onedir onefile man.  Included by Makefile.
PY ?= .venv/bin/python
VERSION = $(shell sed -n 's/^__version__ = "\(.*\)"/\1/p' gnt/__init__.py)
SOURCES = $(shell git ls-files '*.py' '*.pyx' '*.h' '*.sh' pyproject.toml setup.py)

.PHONY: wheel sdist zipapp onedir onefile man smoke

wheel: build/wheel.done
sdist: build/wheel.done
build/wheel.done: $(SOURCES)
	rm -rf dist/*.whl dist/*.tar.gz
	$(PY) -m build --no-isolation --outdir dist . >build.log 2>&1 || { tail -20 build.log; exit 1; }
	rm -f build.log; mkdir -p build; ls dist/*.whl dist/*.tar.gz; touch $@

build/site.done: build/wheel.done
	rm -rf build/site
	$(PY) -m pip install --quiet --target build/site dist/*.whl
	touch $@

zipapp: dist/gnt.pyz
dist/gnt.pyz: build/site.done packaging/build_zipapp.py packaging/bootstrap.py
	$(PY) packaging/build_zipapp.py build/site $@

onedir: dist/gnt/gnt
onefile: dist/gnt/gnt
dist/gnt/gnt: build/site.done packaging/gnt.spec packaging/launcher.py
	GNT_SITE=$(CURDIR)/build/site $(PY) -m PyInstaller --noconfirm --log-level ERROR \
	  --distpath dist --workpath build/pyinstaller packaging/gnt.spec
	ls -la dist/gnt/gnt dist/gnt-onefile

man: build/wheel.done
	$(PY) packaging/build_man.py dist/man
	$(PY) packaging/completion.py dist/completion

smoke: zipapp onedir
	sh packaging/smoke.sh dist/gnt.pyz dist/gnt/gnt dist/gnt-onefile
