# The web page: a standalone Next.js server that hands calls to the API.

FROM node:20-slim AS build
WORKDIR /build
COPY web/package.json web/package-lock.json ./
COPY web/scripts scripts
RUN --mount=type=cache,target=/root/.npm node scripts/prepare.mjs --install
COPY web .
RUN node scripts/prepare.mjs

FROM node:20-slim
COPY --from=build /build/.next/standalone /web
COPY docker/health.mjs /web/health.mjs
ENV NODE_ENV=production \
    NEXT_TELEMETRY_DISABLED=1 \
    HOSTNAME=0.0.0.0 \
    PORT=3000
WORKDIR /web
USER node
EXPOSE 3000
CMD ["node", "server.js"]
