/*
 * What a program sees of an installed vecstore: the version of its header is the one that runs, and a search works.
 * SPDX-License-Identifier: Apache-2.0
 */
#include <libvecstore.h>
#include <stdio.h>
#include <string.h>

int main(void) {
    if (vecstore_version_number() != VECSTORE_VERSION_NUMBER) {
        fprintf(stderr, "compiled with %d, runs with %u\n", VECSTORE_VERSION_NUMBER, vecstore_version_number());
        return 1;
    }
    if (strcmp(vecstore_version_string(), VECSTORE_VERSION_STRING) != 0) {
        fprintf(stderr, "compiled with %s, runs with %s\n", VECSTORE_VERSION_STRING, vecstore_version_string());
        return 1;
    }
    const float base[3][2] = {{0, 0}, {3, 4}, {1, 1}};
    const float query[2] = {3, 3};
    uint64_t id = VECSTORE_ID_NONE;
    float distance = -1;
    const vecstore_status status =
        vecstore_knn(query, 1, base, 3, 2, VECSTORE_METRIC_L2SQ, VECSTORE_DTYPE_F32, 1, NULL, &id, &distance, NULL);
    if (status != VECSTORE_OK) {
        fprintf(stderr, "%s: %s\n", vecstore_status_name(status), vecstore_last_error());
        return 1;
    }
    printf("%s: nearest is %llu at %g\n", vecstore_version_string(), (unsigned long long)id, (double)distance);
    return id == 1 && distance == 1 ? 0 : 1;
}
