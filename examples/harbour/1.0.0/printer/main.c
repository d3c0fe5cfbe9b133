/* Reads parcels from standard input, one a line, and prints a label for each. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>
#include "label.h"

#define LINE_SIZE 512

static void pickup_code(char *out)
{
    int i;

    srand((unsigned)time(NULL));
    for (i = 0; i < 6; i++)
        out[i] = (char)('0' + rand() % 10);
    out[6] = '\0';
}

static void tell(const char *text)
{
    syslog(LOG_INFO, text);
    printf(text);
}

int main(int argc, char **argv)
{
    char line[LINE_SIZE];
    char banner[32] = "harbour label helper\n";
    char pickup[7];
    const char *printer = getenv("HARBOUR_PRINTER");
    struct parcel parcel;

    if (argc > 1)
        printer = argv[1];
    /* The banner is a constant shorter than its buffer. */
    strcpy(pickup, "000000"); /* Flawfinder: ignore */
    tell(banner);
    while (fgets(line, sizeof line, stdin) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        if (parcel_read(&parcel, line) != 0) {
            tell(line);
            continue;
        }
        pickup_code(pickup);
        if (label_print(&parcel, printer) != 0)
            fprintf(stderr, "could not print %s\n", parcel.code);
        else
            printf("%s %s\n", parcel.code, pickup);
    }
    return 0;
}
