-- CreateTable
CREATE TABLE "site" (
    "name" TEXT NOT NULL,
    "software" TEXT NOT NULL,
    "last_seen_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "site_pkey" PRIMARY KEY ("name")
);

-- CreateTable
CREATE TABLE "study" (
    "name" TEXT NOT NULL,
    "title" TEXT NOT NULL,
    "purpose" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "study_pkey" PRIMARY KEY ("name")
);

-- CreateTable
CREATE TABLE "plan" (
    "digest" CHAR(64) NOT NULL,
    "study_name" TEXT NOT NULL,
    "document" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "plan_pkey" PRIMARY KEY ("digest")
);

-- CreateTable
CREATE TABLE "run" (
    "id" TEXT NOT NULL,
    "plan_digest" CHAR(64) NOT NULL,
    "revision" INTEGER NOT NULL,
    "phase" TEXT NOT NULL,
    "state" JSONB NOT NULL,
    "model_digest" CHAR(64) NOT NULL,
    "deadline_at" TIMESTAMPTZ(3),
    "standings" JSONB NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,
    "ended_at" TIMESTAMPTZ(3),

    CONSTRAINT "run_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "round" (
    "run_id" TEXT NOT NULL,
    "number" INTEGER NOT NULL,
    "attempt" INTEGER NOT NULL,
    "phase" TEXT NOT NULL,
    "state" JSONB NOT NULL,
    "base_digest" CHAR(64) NOT NULL,
    "model_digest" CHAR(64),
    "loss" DOUBLE PRECISION,
    "auc" DOUBLE PRECISION,
    "started_at" TIMESTAMPTZ(3) NOT NULL,
    "deadline_at" TIMESTAMPTZ(3) NOT NULL,
    "ended_at" TIMESTAMPTZ(3),

    CONSTRAINT "round_pkey" PRIMARY KEY ("run_id","number","attempt")
);

-- CreateTable
CREATE TABLE "update" (
    "run_id" TEXT NOT NULL,
    "number" INTEGER NOT NULL,
    "attempt" INTEGER NOT NULL,
    "site" TEXT NOT NULL,
    "sha256" CHAR(64) NOT NULL,
    "length" INTEGER NOT NULL,
    "examples" INTEGER NOT NULL,
    "loss" DOUBLE PRECISION,
    "metrics" JSONB NOT NULL,
    "committed_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "update_pkey" PRIMARY KEY ("run_id","number","attempt","site")
);

-- CreateTable
CREATE TABLE "evaluation" (
    "run_id" TEXT NOT NULL,
    "site" TEXT NOT NULL,
    "model_digest" CHAR(64) NOT NULL,
    "examples" INTEGER NOT NULL,
    "metrics" JSONB NOT NULL,
    "code" TEXT,
    "received_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "evaluation_pkey" PRIMARY KEY ("run_id","site")
);

-- CreateTable
CREATE TABLE "model_version" (
    "run_id" TEXT NOT NULL,
    "digest" CHAR(64) NOT NULL,
    "plan_digest" CHAR(64) NOT NULL,
    "round" INTEGER NOT NULL,
    "manifest" JSONB NOT NULL,
    "metrics" JSONB NOT NULL,
    "rounds" JSONB NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL,

    CONSTRAINT "model_version_pkey" PRIMARY KEY ("run_id")
);

-- CreateIndex
CREATE INDEX "plan_study_name_idx" ON "plan"("study_name");

-- CreateIndex
CREATE INDEX "run_phase_idx" ON "run"("phase");

-- CreateIndex
CREATE INDEX "run_plan_digest_idx" ON "run"("plan_digest");

-- CreateIndex
CREATE INDEX "model_version_digest_idx" ON "model_version"("digest");

-- AddForeignKey
ALTER TABLE "plan" ADD CONSTRAINT "plan_study_name_fkey" FOREIGN KEY ("study_name") REFERENCES "study"("name") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "run" ADD CONSTRAINT "run_plan_digest_fkey" FOREIGN KEY ("plan_digest") REFERENCES "plan"("digest") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "round" ADD CONSTRAINT "round_run_id_fkey" FOREIGN KEY ("run_id") REFERENCES "run"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "update" ADD CONSTRAINT "update_run_id_fkey" FOREIGN KEY ("run_id") REFERENCES "run"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "evaluation" ADD CONSTRAINT "evaluation_run_id_fkey" FOREIGN KEY ("run_id") REFERENCES "run"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "model_version" ADD CONSTRAINT "model_version_run_id_fkey" FOREIGN KEY ("run_id") REFERENCES "run"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
