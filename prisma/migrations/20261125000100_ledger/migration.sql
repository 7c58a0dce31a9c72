-- CreateTable
CREATE TABLE "ledger_row" (
    "seq" SERIAL NOT NULL,
    "entry" TEXT NOT NULL,
    "subject" TEXT,
    "shard" INTEGER,
    "leaf" INTEGER,

    CONSTRAINT "ledger_row_pkey" PRIMARY KEY ("seq")
);

-- CreateTable
CREATE TABLE "site_log" (
    "site" TEXT NOT NULL,
    "shard" TEXT NOT NULL,
    "size" INTEGER NOT NULL,
    "root" CHAR(64) NOT NULL,
    "note" TEXT NOT NULL,

    CONSTRAINT "site_log_pkey" PRIMARY KEY ("site","shard")
);

-- CreateIndex
CREATE UNIQUE INDEX "ledger_row_subject_key" ON "ledger_row"("subject");

-- CreateIndex
CREATE UNIQUE INDEX "ledger_row_shard_leaf_key" ON "ledger_row"("shard", "leaf");
