#ifndef HARBOUR_LABEL_H
#define HARBOUR_LABEL_H

#define NAME_SIZE 64
#define STREET_SIZE 96
#define CODE_SIZE 16

#include <stddef.h>

/* One parcel as the intake service hands it over. */
struct parcel {
    char code[CODE_SIZE];
    char name[NAME_SIZE];
    char street[STREET_SIZE];
    char city[NAME_SIZE];
    int grams;
};

int parcel_read(struct parcel *parcel, const char *line);
void label_render(const struct parcel *parcel, char *out, size_t size);
int label_print(const struct parcel *parcel, const char *printer);

#endif
