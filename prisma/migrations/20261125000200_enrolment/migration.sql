-- AlterTable
ALTER TABLE "study" ADD COLUMN     "document" CHAR(64),
ADD COLUMN     "terms" JSONB;

-- AlterTable
ALTER TABLE "plan" ADD COLUMN     "envelope" TEXT;

-- CreateTable
CREATE TABLE "join_token" (
    "digest" CHAR(64) NOT NULL,
    "id" TEXT NOT NULL,
    "site" TEXT NOT NULL,
    "jurisdiction" TEXT NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "used_at" TIMESTAMPTZ(3),

    CONSTRAINT "join_token_pkey" PRIMARY KEY ("digest")
);

-- CreateTable
CREATE TABLE "enrolment" (
    "site" TEXT NOT NULL,
    "signer" CHAR(64) NOT NULL,
    "signing" TEXT NOT NULL,
    "kind" TEXT NOT NULL,
    "csr" TEXT NOT NULL,
    "jurisdiction" TEXT NOT NULL,
    "state" TEXT NOT NULL,
    "certificate" TEXT,
    "asked_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "enrolment_pkey" PRIMARY KEY ("site")
);

-- CreateTable
CREATE TABLE "site_certificate" (
    "spki" CHAR(64) NOT NULL,
    "site" TEXT NOT NULL,
    "not_after_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "site_certificate_pkey" PRIMARY KEY ("spki")
);

-- CreateTable
CREATE TABLE "roster" (
    "version" INTEGER NOT NULL,
    "digest" CHAR(64) NOT NULL,
    "document" TEXT NOT NULL,
    "installed_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "roster_pkey" PRIMARY KEY ("version")
);

-- CreateTable
CREATE TABLE "revocation" (
    "site" TEXT NOT NULL,
    "signing" TEXT NOT NULL,
    "by" TEXT NOT NULL,
    "revoked_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "revocation_pkey" PRIMARY KEY ("site")
);

-- CreateTable
CREATE TABLE "used_nonce" (
    "site" TEXT NOT NULL,
    "nonce" TEXT NOT NULL,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "used_nonce_pkey" PRIMARY KEY ("site", "nonce")
);

-- CreateIndex
CREATE UNIQUE INDEX "join_token_id_key" ON "join_token"("id");

-- CreateIndex
CREATE UNIQUE INDEX "enrolment_signer_key" ON "enrolment"("signer");

-- CreateIndex
CREATE INDEX "site_certificate_site_idx" ON "site_certificate"("site");

-- CreateIndex
CREATE UNIQUE INDEX "roster_digest_key" ON "roster"("digest");
