# One image for every process of CaseNet; which one it is says docker-compose.yml.
# Python as in requirements/; Node only in the first stage, from the lock.
FROM python:3.11-slim AS page
WORKDIR /build
COPY requirements/node.txt requirements/node.txt
RUN pip install --no-cache-dir --require-hashes --no-deps -r requirements/node.txt
COPY hatch_build.py ./
COPY casenet/words casenet/words
COPY static static
RUN python hatch_build.py

FROM python:3.11-slim
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=/app
WORKDIR /app
COPY requirements/production.txt requirements/production.txt
# http-ece comes as source: built with the image's own setuptools, not with one fetched past the hashes.
RUN pip install --no-cache-dir --require-hashes --no-deps --no-build-isolation -r requirements/production.txt
COPY LICENSE ./
COPY migrations migrations
COPY workers workers
COPY casenet casenet
COPY --from=page /build/static/dist static/dist
COPY deploy/casenet /usr/local/bin/casenet
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin casenet
# Where a tmpfs will lie: it gets the place's mode. A place made at the first start is root's alone from the second on.
RUN install -d -m 1777 var/beat
USER 10001
EXPOSE 8000
CMD ["casenet", "--help"]
