# A CPU image that runs the demo: docker build -t neurosieve . && docker run --rm -v "$PWD/runs:/runs" neurosieve
FROM python:3.11-slim

ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONUNBUFFERED=1
WORKDIR /opt/neurosieve
COPY constraints.txt pyproject.toml README.md LICENSE ./
# PyTorch first and from its CPU builds: the default ones for Linux bring some gigabytes for GPUs.
RUN pip install --extra-index-url https://download.pytorch.org/whl/cpu -c constraints.txt torch==2.13.0
COPY src ./src
RUN pip install -c constraints.txt .

RUN useradd --create-home user && mkdir /runs && chown user /runs
USER user
WORKDIR /runs
ENTRYPOINT ["neurosieve"]
CMD ["demo"]
