"""`python -m napari_coarse_crf.cli`: the command line without the installed command."""

from napari_coarse_crf.cli import main

if __name__ == "__main__":
    main()
