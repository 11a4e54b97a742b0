/* SPDX-License-Identifier: GPL-2.0-or-later
 *
 * qemu_bench: the device `iommu-bench`; see the header.
 *
 *     LD_PRELOAD="nested-iommu-x86_64.so iommu-bench.so" \
 *         qemu-system-x86_64 -M q35 -m 1G -S -nodefaults -display none -device iommu-bench,rounds=31
 *
 * For SMMUv3 one mode at a time, stage-1, stage-2 or nested, since a machine has room for one smmuv3-nested:
 *
 *     LD_PRELOAD="nested-iommu-aarch64.so iommu-bench-aarch64.so" \
 *         qemu-system-aarch64 -M virt -m 1G -S -nodefaults -display none -device smmuv3-nested \
 *         -device iommu-bench,mode=nested
 *
 * `only=TEXT` leaves out the cases without that text in their names, for a profiler.
 *
 * It prints the median of the rounds, a line for each case and subject: case, subject, nanoseconds, with tabs between.
 * In each round each subject is measured once, so that what else the machine does falls on all of them alike.
 */
#include "tests/bench/qemu_bench.h"

#include "hw/boards.h"
#include "hw/qdev-properties.h"
#include "qapi/error.h"
#include "qemu/main-loop.h"
#include "qemu/module.h"
#include "system/runstate.h"
#include "system/system.h"

#define TYPE_IOMMU_BENCH "iommu-bench"
#define ROUNDS_MAX 1000u

struct iommu_bench {
    DeviceState parent;

    uint32_t rounds;
    char* mode;
    char* only;
    Notifier machine_done;
    struct bench_tables tables;
};

DECLARE_INSTANCE_CHECKER(struct iommu_bench, IOMMU_BENCH, TYPE_IOMMU_BENCH)

static int compare(const void* a, const void* b) {
    const double left = *(const double*)a;
    const double right = *(const double*)b;

    return (left > right) - (left < right);
}

double bench_median(double* values, unsigned count) {
    qsort(values, count, sizeof *values, compare);
    return count % 2 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

static void run_case(const struct bench_case* bench_case, unsigned rounds) {
    static double spent[BENCH_SUBJECTS_MAX][ROUNDS_MAX];

    for (unsigned round = 0; round < rounds; round++) {
        for (unsigned i = 0; i < bench_subjects_count; i++) {
            spent[i][round] = bench_case->measure(&bench_subjects[i]);
        }
    }
    for (unsigned i = 0; i < bench_subjects_count; i++) {
        if (spent[i][0] != BENCH_NOT_MEASURED) {
            printf("%s\t%s\t%.1f\n", bench_case->name, bench_subjects[i].name, bench_median(spent[i], rounds));
        }
    }
    fflush(stdout);
}

static void check_all(void) {
    for (unsigned i = 0; i < bench_subjects_count; i++) {
        bench_subject_check(&bench_subjects[i]);
        if (bench_subjects[i].type) {
            bench_driver_check(&bench_subjects[i].driver, bench_subjects[i].name);
        }
    }
}

static uint8_t* host_view(void) {
    return (uint8_t*)((uintptr_t)memory_region_get_ram_ptr(MACHINE(qdev_get_machine())->ram) - BENCH_RAM_BASE);
}

/* From the main loop, after the machine's first reset. */
static void run(void* opaque) {
    struct iommu_bench* bench = opaque;

    bench_subjects_make(OBJECT(bench));
    bench_tables_build(&bench->tables, host_view());
    for (unsigned i = 0; i < bench_subjects_count; i++) {
        if (bench_subjects[i].type) {
            bench_driver_start(&bench_subjects[i].driver, &bench->tables);
        }
    }
    bench_cases_prepare();
    check_all();
    for (size_t i = 0; i < bench_cases_count; i++) {
        if (!bench->only || strstr(bench_cases[i].name, bench->only)) {
            run_case(&bench_cases[i], bench->rounds);
        }
    }
    check_all();
    qemu_system_shutdown_request(SHUTDOWN_CAUSE_HOST_QMP_QUIT);
}

static void machine_done(Notifier* notifier, void* unused) {
    struct iommu_bench* bench = container_of(notifier, struct iommu_bench, machine_done);

    aio_bh_schedule_oneshot(qemu_get_aio_context(), run, bench);
}

static void realize(DeviceState* device, Error** errp) {
    struct iommu_bench* bench = IOMMU_BENCH(device);

    if (current_machine->ram_size != BENCH_RAM_BYTES) {
        error_setg(errp, "iommu-bench needs -m 1G");
        return;
    }
    if (!bench_machine_check(bench->mode, errp)) {
        return;
    }
    if (bench->rounds < 1 || bench->rounds > ROUNDS_MAX) {
        error_setg(errp, "rounds=%u must be from 1 to %u", bench->rounds, ROUNDS_MAX);
        return;
    }
    bench->machine_done.notify = machine_done;
    qemu_add_machine_init_done_notifier(&bench->machine_done);
}

static Property properties[] = {
    DEFINE_PROP_UINT32("rounds", struct iommu_bench, rounds, 31),
    DEFINE_PROP_STRING("mode", struct iommu_bench, mode),
    DEFINE_PROP_STRING("only", struct iommu_bench, only),
};

static void class_init(ObjectClass* class, class_init_data* data) {
    DeviceClass* device_class = DEVICE_CLASS(class);

    device_class->desc = "measures DMA behind IOMMUs, then ends QEMU";
    device_class->realize = realize;
    device_class->user_creatable = true;
    device_class->hotpluggable = false;
    device_class_set_props_n(device_class, properties, ARRAY_SIZE(properties));
}

static const TypeInfo bench_info = {
    .name = TYPE_IOMMU_BENCH,
    .parent = TYPE_DEVICE,
    .instance_size = sizeof(struct iommu_bench),
    .class_init = class_init,
};

static void register_types(void) {
    bench_register_constant_region();
    type_register_static(&bench_info);
}

type_init(register_types)
